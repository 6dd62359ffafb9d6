"""The glossary: its words are used, each is there once, and reasons of exclusions are all there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.paths import PROJECT
from tests.conftest import Publish

PAGE = PROJECT / "docs" / "glossary.md"
WORDS, REASONS = PAGE.read_text(encoding="utf-8").split("## Why a record is excluded")
ROW = re.compile(r"^\| (?P<word>[^|]+) \| [^|]+ \|$", re.MULTILINE)
HEADS = {"word", "reason", "---"}


def words(part: str) -> list[str]:
    found = [row["word"].strip("`") for row in ROW.finditer(part)]
    return [word for word in found if word not in HEADS and not set(word) <= set("-|")]


def others() -> str:
    """What the words are for: the other pages, and the words of the models."""
    pages = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")]
    models = (PROJECT / "dbt" / "models").rglob("*.yml")
    texts = [path.read_text("utf-8") for path in [*pages, *models] if path != PAGE]
    return re.sub(r"\s+", " ", " ".join(texts)).lower()


def forms(word: str) -> tuple[str, ...]:
    return word, f"{word.removesuffix('y')}ies"


def test_every_word_is_used_and_said_once() -> None:
    text, found = others(), words(WORDS)
    assert len(found) > 40
    assert sorted(found) == sorted(set(found))
    assert [word for word in found if not any(form in text for form in forms(word.lower()))] == []


def test_every_reason_is_one_that_models_give() -> None:
    folders = ("models", "macros")
    sql = " ".join(
        path.read_text("utf-8")
        for folder in folders
        for path in Path(PROJECT / "dbt" / folder).rglob("*.sql")
    )
    assert [reason for reason in words(REASONS) if f"'{reason}'" not in sql] == []


@pytest.mark.parametrize("name", ["edge_cases"])
def test_every_reason_that_is_given_is_there(published: Publish, name: str) -> None:
    given = published(name).marts("select distinct reason from marts.kpi_exclusions")["reason"]
    assert len(given) > 5
    assert set(given) <= set(words(REASONS))
