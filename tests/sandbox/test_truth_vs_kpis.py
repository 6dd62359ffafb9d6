"""The pipeline's KPIs are the truth of the company that it never saw, at several seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.sandbox.world import World
from tests.sandbox.simulated_company import SimulatedCompany


@pytest.mark.parametrize(
    ("seed", "scale", "days", "timezone", "currency", "fiscal_year_start_month"),
    [
        (7, 0.02, 1096, "America/New_York", "USD", 2),
        (11, 0.1, 400, "Asia/Tokyo", "EUR", 4),
    ],
)
def test_every_kpi_is_true_and_stays_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    scale: float,
    days: int,
    timezone: str,
    currency: str,
    fiscal_year_start_month: int,
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    company = SimulatedCompany(tmp_path / "company", timezone, currency, fiscal_year_start_month)
    world = World.found(seed, scale)
    world.advance(days)
    company.export(world)
    company.run()
    company.assert_true(world)
    world.advance(5)
    company.export(world)
    company.run()
    company.assert_true(world)
