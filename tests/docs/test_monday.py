"""A manager's Monday tells what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.paths import PROJECT
from tests.docs.monday import PAGE, Files, monday, page
from tests.people.company import default_company
from tests.thorough import thorough

TEXT = PAGE.read_text(encoding="utf-8")
SUMMARY = "Sandbox as of then\n\nsales\nWin rate\n\nOne-on-ones of then: 1 person\n  about it\n"


@pytest.fixture(scope="module")
def files() -> Files:
    return Files(default_company() / "published")


def frame(text: str) -> str:
    """A page without its rows, what was printed, and whom its queries ask for."""
    text = re.sub(r"```text\n.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"^\|.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\d{8,}|\d{4}-\d\d-\d\d", "…", text)


def test_its_words_and_queries_are_those_of_the_command(files: Files) -> None:
    assert frame(TEXT) == frame(page(SUMMARY, files)), "run `make monday`"


def test_each_step_has_rows() -> None:
    steps = re.findall(r"^```sql\n.*?^```\n\n((?:\|[^\n]*\n)+)", TEXT, re.DOTALL | re.MULTILINE)
    assert len(steps) == TEXT.count("```sql") == 7
    assert all(len(rows.splitlines()) > 2 for rows in steps)


def test_it_names_people_only_where_the_file_of_people_is_read(files: Files) -> None:
    names = {row["rep_name"] for row in files.marts("select rep_name from marts.dim_rep")}
    printed = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert [name for name in names if any(name in text for text in printed)] == []


def test_it_is_found_from_the_front_page() -> None:
    assert "(docs/monday.md)" in Path(PROJECT / "README.md").read_text(encoding="utf-8")


@thorough
def test_monday_is_true() -> None:
    assert monday() == TEXT, "run `make monday`"
