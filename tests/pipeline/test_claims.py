"""What tables claim of their rows: the dbt test `claims` tells each kind of row that breaks it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from dagster_project.run.dbt_runner import run_values
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT, CompanyPaths
from ingestion.warehouse.marts_file import marts_of, show_marts
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import OnceParsed
from tests.conftest import Publish
from tests.raw_tables import make_raw_tables

COMPANY = PROJECT / "company.yml"
VALUES = run_values(dt.datetime(2030, 1, 1), dt.datetime(2100, 1, 1))


@dataclass(frozen=True)
class Tests:
    """The dbt tests by name, and a warehouse in which they pass."""

    warehouse: duckdb.DuckDBPyConnection
    statements: Mapping[str, str]

    __test__ = False

    def of(self, table: str) -> str:
        """The SQL of the claims of a table."""
        return self.statements[f"claims_of_{table}"]

    def failures(self, sql: str, *broken: str) -> list[tuple]:
        """The rows that a test gives where data were broken; they are mended afterwards."""
        self.warehouse.execute("begin")
        try:
            for statement in broken:
                self.warehouse.execute(statement)
            return self.warehouse.execute(sql).fetchall()
        finally:
            self.warehouse.execute("rollback")


@pytest.fixture(scope="module")
def tests(published: Publish, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tests]:
    folder = tmp_path_factory.mktemp("claims")
    built = published("edge_cases").folder / "warehouse.duckdb"
    shutil.copy(marts_of(built), folder)
    file = Path(shutil.copy(built, folder))
    company = load_company(COMPANY)
    # Staging of other types has tables of its own.
    sources = tuple(source for source in company.sources if source.type in ("files", "hubspot"))
    company = company.model_copy(update={"sources": sources})
    dbt = OnceParsed(company, CompanyPaths(folder), Warehouse("duckdb", str(file)))
    statements = dbt.compiled(["resource_type:test", *dbt.without_others], VALUES)
    with duckdb.connect(file) as warehouse:
        show_marts(warehouse, file)
        make_raw_tables(warehouse, "hubspot")
        yield Tests(warehouse, statements)


def test_all_claims_hold(tests: Tests) -> None:
    # Staging of HubSpot has tables of its own, which a company of files has not built.
    claims = [
        name
        for name in tests.statements
        if name.startswith("claims_of_") and not name.startswith("claims_of_int_hubspot__")
    ]
    assert len(claims) > 60
    broken = {name: tests.failures(tests.statements[name]) for name in claims}
    assert {name: rows for name, rows in broken.items() if rows} == {}


@pytest.mark.parametrize(
    ("table", "broken", "wanted"),
    [
        (
            "fct_stage_visits",
            "insert into marts.fct_stage_visits select * replace ('twice' as stage_visit_key) "
            "from (select * from marts.fct_stage_visits limit 2)",
            ("key", "stage_visit_key", "twice", 2),
        ),
        (
            "fct_stage_visits",
            "insert into marts.fct_stage_visits select * replace (null as stage_visit_key) "
            "from (select * from marts.fct_stage_visits limit 1)",
            ("key", "stage_visit_key", "NULL", 1),
        ),
        (
            "int_opportunity_stage_changes",
            "insert into intermediate.int_opportunity_stage_changes "
            "select * exclude n replace (field_change_key || n as field_change_key, "
            "'x' as opportunity_key, null as position) from (select * from "
            "intermediate.int_opportunity_stage_changes limit 1), unnest([1, 2]) as twice(n)",
            ("unique", "opportunity_key, position", "x, NULL", 2),
        ),
        (
            "mart_definitions_compared",
            "insert into marts.mart_definitions_compared select * replace (null as used_by) "
            "from (select * from marts.mart_definitions_compared limit 3)",
            ("given", "used_by", "NULL", 3),
        ),
        (
            "fct_opportunities",
            "insert into marts.fct_opportunities select * replace ('x' as opportunity_key, "
            "'lost_it' as status) from (select * from marts.fct_opportunities limit 1)",
            ("one_of", "status", "lost_it", 1),
        ),
        (
            "fct_opportunities",
            "insert into marts.fct_opportunities select * replace ('x' as opportunity_key, "
            "'nobody' as rep_id) from (select * from marts.fct_opportunities limit 1)",
            ("found_in", "rep_id", "nobody", 1),
        ),
    ],
)
def test_a_row_that_breaks_a_claim_is_told(
    tests: Tests, table: str, broken: str, wanted: tuple
) -> None:
    assert tests.failures(tests.of(table), broken) == [wanted]


def test_what_is_not_said_is_no_wrong_value(tests: Tests) -> None:
    unsaid = "update marts.fct_opportunities set status = null, rep_id = null, account_key = null"
    assert tests.failures(tests.of("fct_opportunities"), unsaid) == []


def test_a_record_that_is_twice_in_a_load_is_told(tests: Tests) -> None:
    test = tests.statements["a_load_has_a_record_once"]
    again = "insert into raw_files.{0} select * from raw_files.{0} limit 1"
    assert tests.failures(test) == []
    [row] = tests.failures(test, again.format("opportunities"))
    assert (*row[:2], row[-1]) == ("files", "opportunities", 2)
    in_no_load = "update raw_files._dlt_loads set status = 1"
    assert tests.failures(test, again.format("activities"), in_no_load) == []


def test_receivables_that_do_not_add_up_are_told(tests: Tests) -> None:
    test = tests.statements["receivables_add_up"]
    aged = (
        "update marts.mart_receivables set days_31_60 = days_31_60 + 0.01 where receivable_key = "
        "(select min(receivable_key) from marts.mart_receivables where is_current)"
    )
    owed = (
        "update marts.fct_invoices set receivable = receivable + 0.01 where invoice_key = "
        "(select min(invoice_key) from marts.fct_invoices where receivable > 0)"
    )
    assert tests.failures(test) == []
    assert len(tests.failures(test, aged)) == 2
    assert len(tests.failures(test, owed)) == 1


def test_a_user_with_two_owners_is_told_where_a_change_is_theirs(tests: Tests) -> None:
    test = tests.statements["a_change_is_by_one_owner"]
    load = "insert into raw_hubspot._dlt_loads (load_id, status, inserted_at) "
    owners = "insert into raw_hubspot.owners (source_instance, source_id, user_id, _dlt_load_id) "
    changes = "insert into raw_hubspot.property_history (user_id, _dlt_load_id) values ('ann', '1')"
    twice = [
        load + "values ('1', 0, timestamptz '2026-01-01 00:00:00+00')",
        owners + "values ('hub', '1', 'ann', '1'), ('hub', '2', 'ann', '1')",
    ]
    assert tests.failures(test, *twice) == []
    assert tests.failures(test, *twice, changes) == [("hub", "ann", 2)]
