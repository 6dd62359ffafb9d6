"""A property that was cleared: HubSpot lists it as a version whose value is empty."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from portals import Portal

from dagster_project.run.clock import now
from ingestion.sandbox.systems.hubspot.history import DealHistory
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import CompiledModels

CLEARED = ("hubspot_owner_id", "amount", "closedate")
AT = "2100-01-01T00:00:00.000Z"


@pytest.fixture
def cleared(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Portal:
    """A portal in which owners, amounts and close dates of all deals have been taken away since."""
    listed = DealHistory.of

    def of(self: DealHistory, *asked: object) -> list[dict[str, list[dict[str, object]]]]:
        found = listed(self, *asked)
        for name in CLEARED:
            for history in found:
                if changes := history.get(name):
                    changes.insert(0, {**changes[0], "value": "", "timestamp": AT})
        return found

    monkeypatch.setattr(DealHistory, "of", of)
    portal.sync()
    return portal


def test_what_was_cleared_is_a_change_to_nothing(cleared: Portal) -> None:
    views = ["stg_hubspot__field_changes"]
    CompiledModels.of(cleared.company()).build(now(), now(), views)
    with duckdb.connect(str(Path(Warehouse.of(cleared.company()).location))) as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows = connection.execute("""
            select field, count(*), count(new_value), count(old_value)
            from staging.stg_hubspot__field_changes
            where changed_at = '2100-01-01'
            group by field order by field
        """).fetchall()
        [unchanged] = connection.execute("""
            select count(*) from staging.stg_hubspot__field_changes
            where new_value is not distinct from old_value
        """).fetchall()
    assert [field for field, *_ in rows] == ["amount", "close_date", "owner_id"]
    assert all(changes > 10 and (new, old) == (0, changes) for _, changes, new, old in rows)
    assert unchanged == (0,)
