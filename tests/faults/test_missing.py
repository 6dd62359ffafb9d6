"""Numbers that are missing from a build, whatever the cause, are not published."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import duckdb
import psycopg2
import pytest

from dagster_project.publication import open_published
from dagster_project.publishing.comparison import compare
from dagster_project.run.clock import ClockError, now
from dagster_project.run.opening import open_run
from expectations.comparison import MIN_SHARE, Comparison
from expectations.report import AuditReport
from expectations.runner import audit
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.paths import CompanyPaths
from ingestion.warehouse.marts_file import show_marts
from tests.faults.attacks import bites, held, replaced, together, without
from tests.faults.test_clock import GUARD, NOW, PAST
from tests.ingestion.postgres_server import running_server
from tests.orchestration.conftest import copy as copy  # a fixture of theirs
from tests.orchestration.conftest import new_copy as new_copy
from tests.orchestration.copies import Copy
from tests.thorough import thorough

GONE = "rows that vanish from what is built"
UNKNOWN = "loads that are missing, whatever the cause"
DEALS_WON = "deals_won of the year from 2025-02-01"
OF_YEAR = (
    "metric = 'deals_won' and variant = 'default' and dimension = 'company'"
    " and period_grain = 'year' and period_start = date '2025-02-01'"
)
REMOVED = (
    """update marts.fct_opportunities set is_won = false, removal = 'deleted'
    where opportunity_id < 'r'""",
    """update marts.kpi_values set value = (
        select count(*) from marts.fct_opportunities
        where is_won and closed_on >= period_start
        and closed_on < period_start + interval '12 month')
    where metric = 'deals_won' and variant = 'default' and dimension = 'company'
    and period_grain = 'year'""",
)
BY_THE_SOURCE = "update marts.fct_opportunities set loaded_at = '{}' where removal = 'deleted'"
AUDIT = "dagster_project.defs.audit:compare"
NO_LOADS = "update raw_files._dlt_loads set status = 1"
HALF = "delete from marts.fct_opportunities where hash(opportunity_key) % 2 = 0"


@pytest.fixture
def company(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The edge-case company after its first run."""
    monkeypatch.setenv("SALESOPS_DATA", str(copy.root / "data"))
    return load_company(copy.file)


def spoil(company: Company, *statements: str) -> None:
    """Do something to the warehouse that no load does."""
    warehouse = CompanyPaths.of(company).warehouse
    with duckdb.connect(warehouse) as connection:
        show_marts(connection, warehouse)
        for statement in statements:
            connection.execute(statement)


def compared(company: Company, definitions: str = "", **options: bool | str) -> list[Comparison]:
    """What a run would be told that has built what the warehouse holds."""
    with open_published(CompanyPaths.of(company).marts) as reader:
        row = reader.execute("select definitions_hash from marts.publication").fetchone()
    assert row is not None
    same = replaced("dagster_project.publishing.comparison:definitions_hash", definitions or row[0])
    with same, open_run(company, "next", **options) as run:  # type: ignore[arg-type]
        return compare(run, {})


def missed(comparisons: list[Comparison]) -> set[str]:
    """Of what there is too little."""
    return {one.measure for one in comparisons if one.share < MIN_SHARE}


@held(GONE)
def test_the_same_build_has_all(company: Company) -> None:
    comparisons = compared(company)
    assert missed(comparisons) == set()
    measures = {one.measure for one in comparisons}
    assert {"dim_rep, rows", "fct_stage_visits, rows"} < measures
    assert "revenue_won of the quarter from 2025-02-01" in measures
    assert "deals_won of the year from 2025-02-01" in measures
    assert not any("from 2026-05-01" in measure for measure in measures)


def audited(company: Company, comparisons: Sequence[Comparison]) -> AuditReport:
    """The audit of the marts, with what is known of the last publication."""
    with open_run(company, "next") as run:
        return audit(
            company,
            run.warehouse,
            "marts",
            as_of=run.as_of,
            known_at=run.known_at,
            run_id=run.run_id,
            comparisons=comparisons,
        )


@held(GONE)
def test_rows_without_a_reason_fail_the_audit(company: Company) -> None:
    spoil(company, HALF)
    comparisons = compared(company)
    assert missed(comparisons) == {"fct_opportunities, rows"}
    [failure] = audited(company, comparisons).failures
    assert (failure.table, failure.name) == ("marts.mart_restatements", "most_is_left")


@bites(GONE)
def test_nothing_else_would_tell(company: Company) -> None:
    spoil(company, HALF)
    assert audited(company, ()).failures == ()


@held(GONE)
def test_a_total_without_a_reason_fails_the_audit(company: Company) -> None:
    spoil(company, f"update marts.kpi_values set value = 0.79 * value where {OF_YEAR}")
    assert missed(compared(company)) == {DEALS_WON}
    spoil(company, f"delete from marts.kpi_values where {OF_YEAR}")
    assert missed(compared(company)) == {DEALS_WON}


@held(GONE)
def test_as_many_deals_as_the_source_removed_explain_a_total(company: Company) -> None:
    spoil(company, *REMOVED)
    assert DEALS_WON in missed(compared(company))
    spoil(company, BY_THE_SOURCE.format(now()))
    assert missed(compared(company)) == set()
    spoil(company, f"update marts.kpi_values set value = value / 2 where {OF_YEAR}")
    assert missed(compared(company)) == {DEALS_WON}


@held(GONE)
def test_no_definition_explains_missing_loads(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(company, HALF)
    assert missed(compared(company, definitions="others")) == set()
    spoil(company, NO_LOADS)
    assert missed(compared(company, definitions="others")) == {"fct_opportunities, rows"}
    assert "loads are missing that what is published rests on: crm.accounts of" in caplog.text


@held(GONE)
def test_missing_loads_are_told_however_much_there_is(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    assert missed(compared(company)) == set()
    assert "loads are missing" not in caplog.text
    spoil(company, NO_LOADS)
    assert missed(compared(company)) == set()
    assert "loads are missing that what is published rests on: crm.accounts" in caplog.text
    assert "and 24 more" in caplog.text


@held(GONE)
def test_another_company_file_explains_it(company: Company) -> None:
    spoil(company, HALF)
    with company.path.open("a", encoding="utf-8") as file:
        file.write("team: now\n")
    assert missed(compared(load_company(company.path))) == set()


@held(GONE)
@pytest.mark.parametrize("option", ["force", "fresh", "as_of", "known_at"])
def test_what_was_asked_for_is_not_compared(company: Company, option: str) -> None:
    spoil(company, HALF)
    is_moment = option in ("as_of", "known_at")
    assert compared(company, **{option: "2026-03-31" if is_moment else True}) == []


@held(GONE)
def test_what_is_damaged_or_not_there_stops_nothing(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    marts = CompanyPaths.of(company).marts
    shutil.rmtree(marts.resolve().with_name("parquet"))
    marts.chmod(0o644)
    for damage in (lambda: marts.write_bytes(b"x" * 9000), marts.unlink):
        damage()
        with open_run(company, "next") as run:
            assert compare(run, {}) == []
    assert "cannot be read" in caplog.text


def change(file: Path, edit: Callable[[dict[str, str]], object]) -> None:
    """Edit the records of an export, one by one."""
    with file.open(encoding="utf-8", newline="") as text:
        records = list(csv.DictReader(text))
    for record in records:
        edit(record)
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


@thorough
@held(UNKNOWN)
def test_a_run_that_knows_of_no_load_publishes_nothing(copy: Copy) -> None:
    published, kpis = copy.published(), copy.kpis()
    attacked = copy.run(tampered=together(without(NOW, past), without(GUARD, past)))
    assert attacked.returncode == 1
    assert "most_is_left" in attacked.stdout
    assert copy.published() == published
    assert copy.run("--force").returncode == 0
    assert copy.kpis() == kpis


@thorough
@bites(UNKNOWN)
def test_it_would_publish_next_to_nothing(copy: Copy) -> None:
    unguarded = together(without(NOW, past), without(GUARD, past), without(AUDIT, nothing))
    before = len(copy.kpis())
    assert copy.run(tampered=unguarded).returncode == 0
    assert len(copy.kpis()) < before / 100


def past(*_: object) -> object:
    return PAST


def nothing(*_: object) -> list[Comparison]:
    return []


def total(copy: Copy, metric: str) -> float:
    """A published headline total of all time."""
    with open_published(copy.marts) as reader:
        row = reader.execute(
            "select value from marts.kpi_values where metric = ? and variant = 'default'"
            " and dimension = 'company' and period_grain = 'all'",
            [metric],
        ).fetchone()
    assert row is not None
    return float(row[0])


@thorough
@held(GONE)
def test_what_the_source_deletes_and_corrects_is_published(copy: Copy) -> None:
    won, revenue = total(copy, "deals_won"), total(copy, "revenue_won")

    def edit(deal: dict[str, str]) -> None:
        if crc32(deal["source_id"].encode()) % 3:
            deal |= {"is_deleted": "true", "source_updated_at": "2026-05-19 09:00:00"}
        elif deal["amount"].isdigit():
            deal["amount"] = str(int(deal["amount"]) // 4)

    change(copy.export("opportunities.csv"), edit)
    done = copy.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert total(copy, "deals_won") < MIN_SHARE * won
    assert total(copy, "revenue_won") < MIN_SHARE / 2 * revenue


def on_server(url: str, *statements: str) -> None:
    with psycopg2.connect(url) as server, server.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    server.close()


@thorough
@held(UNKNOWN)
def test_a_build_on_postgresql_is_compared_too(
    new_copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_copy.settings(destination="postgres")
    monkeypatch.setenv("SALESOPS_DATA", str(new_copy.root / "data"))
    with running_server() as url:
        monkeypatch.setenv("SALESOPS_POSTGRES_URL", url)
        assert new_copy.run().returncode == 0
        company = load_company(new_copy.file)
        assert missed(compared(company)) == set()
        on_server(url, *REMOVED)
        assert DEALS_WON in missed(compared(company))
        on_server(url, BY_THE_SOURCE.format(now()))
        assert missed(compared(company)) == set()
        with replaced(NOW, past), pytest.raises(ClockError), open_run(company, "behind"):
            pass
