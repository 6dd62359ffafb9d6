"""What comes from exports alone gives the truth too, in a zone and a currency of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.sandbox.world import World
from tests.sandbox.simulated_company import ExportedCompany
from tests.thorough import thorough


@thorough
def test_every_kpi_is_true_and_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    company = ExportedCompany(tmp_path / "company", "America/New_York", "EUR", 4)
    world = World.found(seed=5, scale=0.05)
    world.advance(400)
    company.show(world)
    company.load()
    company.build()
    assert company.metrics() <= company.assert_true(world)
    before = world.now
    world.advance(9)
    company.show(world)
    for entity, table in company.load().items():
        if entity != "pipeline_stages":
            loaded = table.rows_new + table.rows_changed + table.rows_deleted
            assert loaded == len(world.rows_changed_since(entity, before)), entity
    company.build()
    assert company.metrics() <= company.assert_true(world)
