"""What earlier loads brought of sources that company.yml no longer has is told at each load."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.company.reading import load_company
from ingestion.pipeline import load_source

HEAD = "name: Moved\ncurrency: USD\ntimezone: UTC\nsources:\n"
LEADS = "      leads: {rows: [{source_id: l1, created_at: 2026-01-10, status: open}]}\n"
SPEND = "      spend_daily: {rows: [{source_id: s1, platform: x, day: 2026-01-05, spend: 100}]}\n"


def source(name: str, entities: str) -> str:
    return f"  - name: {name}\n    type: files\n    path: .\n    entities:\n{entities}"


@pytest.fixture
def warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The warnings of loading all sources of a company file."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))

    def load(*sources: str) -> list[str]:
        (tmp_path / "company.yml").write_text(HEAD + "".join(sources))
        company = load_company(tmp_path / "company.yml")
        reports = [load_source(company, source) for source in company.sources]
        return [warning for report in reports for warning in report.warnings]

    return load


def test_what_is_named_is_not_left_behind(warnings) -> None:
    both = source("crm", LEADS), source("export", SPEND)
    assert warnings(*both) == warnings(*both) == []


def test_a_source_that_is_gone_or_renamed_still_counts(warnings) -> None:
    warnings(source("crm", LEADS), source("export", SPEND))
    [told] = warnings(source("crm", LEADS))
    assert told.startswith("company.yml no longer has spend_daily of a source export, and what")
    [told] = set(warnings(source("crm", LEADS), source("sheet", SPEND)))
    assert told.startswith("company.yml no longer has spend_daily of a source export, and what")
    assert warnings(source("crm", LEADS), source("export", SPEND))[0].startswith(
        "company.yml no longer has spend_daily of a source sheet"
    )


def test_what_a_source_gives_no_more_still_counts(warnings) -> None:
    warnings(source("crm", LEADS + SPEND))
    [told] = warnings(source("crm", LEADS))
    assert "spend_daily of a source crm" in told
    assert "FRESH=1" in told
    assert warnings(source("crm", LEADS + SPEND)) == []
