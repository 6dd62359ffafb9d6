"""One decision a page, all of one form, numbered and listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.paths import PROJECT

FOLDER = PROJECT / "docs" / "decisions"
DECISIONS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
FORM = ["Context", "Decision", "Rejected", "Consequences"]


def title(page: Path) -> str:
    return page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_what_was_decided_and_why(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == FORM
    assert re.findall(r"^# .+$", text, re.MULTILINE) == text.splitlines()[:1]
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:])


def test_decisions_are_numbered_and_listed() -> None:
    numbers = [page.name[:4] for page in DECISIONS]
    assert numbers == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{4}) \| \[(.+)\]\((.+)\) \|$", index, re.MULTILINE)
    assert rows == [(page.name[:4], title(page), page.name) for page in DECISIONS]
