"""Small cases that bug reports describe, from the folder beside the project; skipped without it."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from ingestion.pipeline import load_source
from tests.compiled_models import CompiledModels
from tests.kpis.companies import Published, publish
from tests.runs import run
from tests.thorough import thorough

CASES = PROJECT.parent / "shared" / "cases"
QUOTAS = Path("exports") / "quotas.csv"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases on this machine: {CASES}")


def copied(case: str, tmp_path: Path) -> Path:
    """The company file of a copy of a case."""
    return Path(shutil.copytree(CASES / case, tmp_path / case)) / "company.yml"


def published(file: Path, slug: str, data: Path) -> Published:
    """A case once it has been run."""
    publish(file, data)
    return Published(file, data / slug)


def built(file: Path, slug: str, data: Path) -> Published:
    """A case whose numbers are built, as of its own moment, and not published."""
    company = load_company(file)
    for source in company.sources:
        load_source(company, source)
    assert company.own_as_of
    CompiledModels.of(company).build(company.own_as_of, now(), ["kpi_values"])
    return Published(file, data / slug)


def by_month(company: Published, metric: str, dimension: str = "company") -> dict[object, float]:
    """A metric's values that are not 0, by the month's number and the key of a cut."""
    rows = company.warehouse(
        "select month(period_start), dimension_key, value from marts.kpi_values "
        "where metric = ? and variant = 'default' and period_grain = 'month' and dimension = ? "
        "and value <> 0",
        [metric, dimension],
    )
    return {(month, key): float(value) for month, key, value in rows.itertuples(index=False)}


def test_closing_m1_without_its_quota_in_pounds(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(data))
    file = copied("closing_m1", tmp_path)
    quotas = file.parent / QUOTAS
    lines = quotas.read_text().splitlines(keepends=True)
    quotas.write_text("".join(line for line in lines if "GBP" not in line))
    company = built(file, "sem_m1", data)

    assert by_month(company, "revenue_won") == {(3, "all"): 15_000, (5, "all"): 32_000}
    assert by_month(company, "revenue_won", "rep") == {(3, "r1"): 15_000, (5, "r1"): 32_000}
    assert by_month(company, "deals_lost") == {(4, "all"): 1}
    assert not {5, 6} & {month for month, _ in by_month(company, "pipeline_value")}
    assert of_all_time(company, "pipeline_value") == 0


def of_all_time(company: Published, metric: str) -> float:
    """A metric's value of the company."""
    [value] = company.warehouse(
        "select value from marts.kpi_values where metric = ? and variant = 'default' "
        "and period_grain = 'all' and dimension = 'company'",
        [metric],
    )["value"]
    return float(value)


@thorough
def test_closing_m1_with_it_is_not_published(tmp_path: Path, data: Path) -> None:
    done = run(copied("closing_m1", tmp_path), data)
    assert done.returncode != 0
    assert not (data / "sem_m1" / "published").exists()


@pytest.mark.parametrize(
    ("case", "slug"),
    [
        pytest.param("won_future", "bug_won_future", marks=thorough),
        pytest.param("won_future_live", "bug_won_future_live", marks=thorough),
    ],
)
def test_closed_deals_of_a_later_date_are_closed(
    tmp_path: Path, data: Path, case: str, slug: str
) -> None:
    company = published(copied(case, tmp_path), slug, data)
    deals = company.marts("select * from marts.fct_opportunities").set_index("opportunity_id")
    assert deals["status"].to_dict() == {"1": "won", "2": "won", "3": "open", "4": "lost"}
    assert company.kpi("pipeline_value") == 700
    assert company.kpi("revenue_won") == 6000
    today = dt.date(2024, 3, 15) if case == "won_future" else dt.date.today()
    later = deals.index[(deals["close_date"].dt.date > today) & (deals["status"] != "open")]
    flagged = company.marts(
        "select source_id from marts.fct_opportunity_hygiene where closed_in_future"
    )
    assert set(flagged["source_id"]) == set(later)
    closed_on = deals.loc[later, "closed_on"].dt.date
    assert (closed_on <= today).all()
    if case == "won_future":
        assert by_month(company, "revenue_won") == {(2, "all"): 1000, (3, "all"): 5000}
