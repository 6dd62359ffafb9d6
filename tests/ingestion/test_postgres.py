"""The same loads on PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest

from dagster_project.commands.summary.loads import rejections
from ingestion.contract.types import TYPES
from ingestion.errors import SourceError
from ingestion.pipeline import load_source
from ingestion.warehouse.warehouse import Warehouse
from tests.ingestion.conftest import Exports
from tests.ingestion.postgres_server import running_server

CSV = 'id,stage,amount,created,note\n007,Open,1.5,2024-01-05,"a, ""b""\nc"\n2,Won,,2024-01-06,\n'
DEALS = {
    "source_id": "id",
    "stage": "stage",
    "amount": "amount",
    "created_at": "created",
    "close_date": "created",
    "name": "note",
}
ENTITIES = {"opportunities": {"from": "deals", "columns": DEALS}}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server for the tests of this module."""
    with running_server() as url:
        yield url


@pytest.fixture
def on_postgres(exports: Exports, server: str, monkeypatch: pytest.MonkeyPatch) -> Exports:
    """A company whose warehouse is the server."""
    monkeypatch.setenv("SALESOPS_POSTGRES_URL", server)
    exports.settings["destination"] = "postgres"
    return exports


def test_versions_on_postgres(on_postgres: Exports) -> None:
    on_postgres.write("deals.csv", CSV)
    assert on_postgres.load(ENTITIES)["opportunities"].rows_new == 2
    assert on_postgres.load(ENTITIES)["opportunities"].is_unchanged
    rows = on_postgres.rows(
        "select source_id, amount, created_at, close_date, name, is_deleted "
        "from raw_files.opportunities order by source_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("007", Decimal("1.5"), dt.datetime(2024, 1, 5), dt.date(2024, 1, 5), 'a, "b"\nc', False),
        ("2", None, dt.datetime(2024, 1, 6), dt.date(2024, 1, 6), None, False),
    ]  # fmt: skip
    on_postgres.write("deals.csv", CSV.replace("1.5", "2.5").replace("2,Won", "3,Won"))
    load = on_postgres.load(ENTITIES)["opportunities"]
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (1, 1, 1)
    on_postgres.write("deals.csv", CSV.replace("1.5", "2.5").replace("2,Won", "3,Won") + "x,,,,\n")
    load = on_postgres.load(ENTITIES)["opportunities"]
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (0, 0, 0)
    (rejected,) = on_postgres.rejected()
    assert rejected["source_line"] == 5


def test_rules_of_rejected_rows_on_postgres(on_postgres: Exports) -> None:
    """Its patterns are as greedy as their first quantifier."""
    bad = "a,Open,ten; x = 1,soon,\nb,Open,a = b: c,later,\nb,Open,1,2024-01-05,\nb,Open,2,,\n"
    on_postgres.write("deals.csv", CSV + bad)
    company = on_postgres.company(ENTITIES)
    report = load_source(company, company.sources[0])
    told = [*rejections(Warehouse.of(company), [report])]
    begins = [
        "2 × amount like ten; x = 1, a = b: c (deals.csv:5): expected a number, such as",
        "2 × close_date like soon, later (deals.csv:5): expected a date, such as 2024-01-31",
        "2 × created_at like soon, later (deals.csv:5): expected a timestamp, such as",
        "1 × source_id like b (deals.csv:8): repeated",
    ]
    for line, begin in zip(told, begins, strict=True):
        assert line.startswith(f"Rejected from crm.opportunities: {begin}")


def test_types_of_results(on_postgres: Exports) -> None:
    users = {"users": {"rows": [{"source_id": "1", "name": "Ann"}]}}
    warehouse = Warehouse.of(on_postgres.company(users))
    row = warehouse.read(
        "select 1::smallint as a, 2::bigint as b, 1.5::numeric(10, 2) as c, 7.25::numeric as d, "
        "0.5::float8 as e, true as f, date '2024-01-05' as g, "
        "timestamptz '2024-01-05 10:00+02' as h, timestamp '2024-01-05 10:00' as i, "
        "'x'::text as j, null::numeric as k where ? = 'x'",
        ["x"],
    )
    assert row.to_pylist() == [
        {
            "a": 1,
            "b": 2,
            "c": Decimal("1.5"),
            "d": Decimal("7.25"),
            "e": 0.5,
            "f": True,
            "g": dt.date(2024, 1, 5),
            "h": dt.datetime(2024, 1, 5, 8, tzinfo=dt.UTC),
            "i": dt.datetime(2024, 1, 5, 10),
            "j": "x",
            "k": None,
        }
    ]
    empty = warehouse.read("select 1::bigint as n, 'x'::text as t where false")
    assert [str(field.type) for field in empty.schema] == ["int64", "string"]


def test_columns_of_the_companys_own_keep_their_types(on_postgres: Exports) -> None:
    on_postgres.write("deals.csv", CSV)
    extra = {f"own_{name}": name for name in TYPES}
    on_postgres.settings["extra"] = {"opportunities": extra}
    on_postgres.load(ENTITIES, force=True)  # there is more of another test
    assert on_postgres.load(ENTITIES)["opportunities"].is_unchanged
    on_postgres.settings["extra"] = {"opportunities": extra | {"own_money": "number"}}
    with pytest.raises(SourceError, match=r"own_money of opportunities is number, and was loaded"):
        on_postgres.load(ENTITIES)


def test_many_rows_come_in_parts(on_postgres: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.warehouse.postgres.BATCH", 2)
    users = {"users": {"rows": [{"source_id": "1", "name": "Ann"}]}}
    warehouse = Warehouse.of(on_postgres.company(users))
    query = "select n::bigint as n, '100 %' as t from generate_series(1, {}) as numbers (n)"
    with warehouse.batches(query.format(5)) as reader:
        parts = [part.to_pydict() for part in reader]
    assert [part["n"] for part in parts] == [[1, 2], [3, 4], [5]]
    assert parts[-1]["t"] == ["100 %"]
    with warehouse.batches(query.format(0)) as reader:
        assert reader.read_all().schema.names == ["n", "t"]
