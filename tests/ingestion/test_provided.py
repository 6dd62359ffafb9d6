"""Which columns company.yml says that sources give."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.company.provided import provided
from ingestion.company.reading import load_company

HEAD = "name: Two\ncurrency: USD\ntimezone: UTC\nsources:\n"
FILES = """
  - name: erp
    type: files
    path: exports
    provides: {opportunities: East, leads: East}
    entities:
      opportunities:
        from: deals
        columns: {source_id: id, stage: phase, amount: worth, account_id: null}
        also:
          - {from: leads, columns: {source_id: id, stage: phase, loss_reason: worth}}
      leads: {from: leads}
      accounts:
        rows:
          - {source_id: a, name: Acme}
          - {source_id: b, name: Bolt, domain: bolt.example}
"""
HUBSPOT = """
  - name: crm
    type: hubspot
    provides: {opportunities: West, leads: West}
    objects: [deals, contacts, leads]
"""


@pytest.fixture
def given(tmp_path: Path) -> dict[str, dict[str, list[str]]]:
    file = tmp_path / "company.yml"
    file.write_text(HEAD + FILES + HUBSPOT, encoding="utf-8")
    (tmp_path / "exports").mkdir()
    for name in ("deals", "leads"):
        (tmp_path / "exports" / f"{name}.csv").write_text("id,phase,worth\n1,Won,2\n")
    return provided(load_company(file))


def test_what_is_mapped_or_written_is_given(given: dict[str, dict[str, list[str]]]) -> None:
    assert given["opportunities"]["amount"] == ["erp", "crm"]
    assert given["opportunities"]["loss_reason"] == ["erp", "crm"]
    assert given["opportunities"]["close_date"] == ["crm"]
    assert given["accounts"]["domain"] == ["erp", "crm"]
    assert given["accounts"]["owner_id"] == ["crm"]


def test_columns_taken_by_their_names_are_left_to_the_data(
    given: dict[str, dict[str, list[str]]],
) -> None:
    assert given["leads"] == {"owner_id": ["crm"], "channel": [], "opportunity_id": ["crm"]}


def test_a_reference_to_an_object_that_is_not_read_is_not_given(
    given: dict[str, dict[str, list[str]]],
) -> None:
    assert given["opportunities"]["account_id"] == []
    assert given["activities"]["contact_id"] == ["crm"]
