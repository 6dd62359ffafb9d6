"""What is made again in an increment, and what stands: of a few tables in their own warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagster_project.run.increment import Clock, Increment
from dagster_project.run.nodes import Node, Reading
from ingestion.warehouse.session import Session, session
from ingestion.warehouse.warehouse import Warehouse

LOADS = "raw_files._dlt_loads"
KNOWN = """select amount from (
    /* known versions */
    select records.*, loads.loaded_at, loads.load_number
    from raw_files.deals as records
    inner join (
        select load_id, loaded_at, row_number() over (order by loaded_at) as load_number
        from raw_files._dlt_loads
        where loaded_at <= cast('{known_at}' /* SALESOPS_KNOWN_AT */ as timestamp)
    ) as loads
    on records._dlt_load_id = loads.load_id
    /* until here */
) as versions"""
LOOK_BACK = """(
    /* whether it */
    date '2026-01-02'
    < cast('{known_at}' /* SALESOPS_KNOWN_AT */ as date)  /* looks back */
)"""
VALUES = {
    "SALESOPS_AS_OF": "2026-01-02 08:00:00",
    "SALESOPS_KNOWN_AT": "2026-01-02 08:00:00",
}
LATER = {**VALUES, "SALESOPS_KNOWN_AT": "2026-01-02 20:00:00"}
NEXT_DAY = {**VALUES, "SALESOPS_KNOWN_AT": "2026-01-03 08:00:00"}
NEW_LOAD = "insert into raw_files._dlt_loads values ('second', '2026-01-02 12:00:00')"
MOMENTS = {"as_of": VALUES["SALESOPS_AS_OF"], "known_at": VALUES["SALESOPS_KNOWN_AT"]}
AS_OF = "cast('{as_of}' /* SALESOPS_AS_OF */ as date)"
Make = Callable[..., set[str]]


def node(name: str, sql: str, *parents: str, **others: object) -> Node:
    made = Node(
        unique_id=f"model.salesops.{name}",
        name=name,
        resource_type="model",
        materialized="table",
        relation=name,
        path=f"models/{name}.sql",
        sql=sql.format(**MOMENTS),
        parents=parents,
        sources=(),
        is_standing=False,
        is_warning=False,
        is_own=False,
        failures=0,
        reading=None,
        cells=None,
        differs_from=None,
    )
    return replace(made, **others)  # type: ignore[arg-type]


NODES = [
    node("deals", KNOWN, materialized="view", sources=("raw_files",)),
    node("total", "select sum(amount) as amount from deals", "deals"),
    node("large", "select amount > 10 as is_large from total", "total"),
    node("of_large", "select count(*) as n from large", "large"),
    node("dated", "select amount, '{as_of}' /* SALESOPS_AS_OF */ as as_of from total", "total"),
    node("open", f"select amount, {LOOK_BACK} as is_open from total", "total"),
    node("of_loads", f"select count(*) as loads from {LOADS}", sources=("raw_files",)),
    node("of_sets", "select count(*) as n from build.last"),
    node("records", "select amount from total", "total", relation='"build"."records"'),
    node("of_records", 'select * from "build"."records"', "records"),
    node("own", "select amount from total", "total", is_own=True),
    node(
        "none_is_small",
        "select * from large where not is_large",
        "large",
        resource_type="test",
        materialized="test",
        is_warning=True,
        failures=3,
    ),
]
BY_RECORD = Reading(
    "news", "amount", {"sums": ("amount", "amount")}, {}, (), None, {}, False, False
)
OF_DIFFERING = [
    *NODES,
    node("sums", "select amount from total", "total", relation='"main"."sums"'),
    node(
        "news",
        """select coalesce(now.amount, last.amount) as amount
        from "main"."sums" as now
        full join build.last_listed as last on now.amount = last.amount
        where now.amount is null or last.amount is null""",
        "sums",
        relation='"build"."news"',
        differs_from="listed",
    ),
    node("listed", 'select amount from "main"."sums"', "sums", "news", reading=BY_RECORD),
    node("of_listed", "select count(*) as n from listed", "listed"),
]
"""Those, and a table that is recomputed by a set of the records that differ from its own."""
LISTED = (
    "create table build.news as select 7 as amount",
    "create table sums as select amount from total",
    "create table listed as select amount from total",
    "create view build.last_listed as select * from listed",
    "create table of_listed as select count(*) as n from listed",
    "create table build.inputs_read (model text, input text, digest text)",
)
TABLES = [one for one in NODES if one.materialized != "view"]
ALWAYS = {"of_loads", "of_sets", "records", "of_records", "own"}
"""What reads more than is compared, or may, and the sets of records."""


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Session]:
    """What the last build has left, of one load."""
    with session(Warehouse("duckdb", str(tmp_path / "warehouse.duckdb"))) as opened:
        opened.execute(
            f"""create schema raw_files; create schema build;
            create table build.last as select 1 as n;
            create table {LOADS} as
            select 'first' as load_id, timestamp '2026-01-01' as loaded_at;
            create table raw_files.deals as select 'first' as _dlt_load_id, 20 as amount"""
        )
        for one in NODES:
            if one.resource_type == "model":
                opened.execute(f"create {one.materialized} {one.relation} as {one.sql}")
        yield opened


@pytest.fixture
def results() -> list[dict[str, Any]]:
    """What an increment tells of its nodes."""
    return []


@pytest.fixture
def make(
    warehouse: Session, results: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Make:
    """Makes an increment after some statements; the tables and tests that are made in it."""
    making = Increment._make
    made: set[str] = set()

    def told(self: Increment, one: Node) -> int:
        if one.materialized != "view":
            made.add(one.name)
        return making(self, one)

    def increment(
        values: Mapping[str, str],
        *statements: str,
        nodes: Sequence[Node] = NODES,
        filled: Collection[str] = (),
    ) -> set[str]:
        for statement in statements:
            warehouse.execute(statement)
        clock = Clock(dt.date(2025, 12, 25), dt.date(2026, 1, 1), dt.date(2026, 1, 1))
        named = {one.name: one for one in nodes}
        Increment(warehouse, named, values, clock, clock, filled=filled).run(results.append)
        return made

    monkeypatch.setattr(Increment, "_make", told)
    return increment


def deal(amount: int, load: str = "second") -> str:
    return f"insert into raw_files.deals values ('{load}', {amount})"


def test_all_stands_where_nothing_is_new(make: Make) -> None:
    """No news to a table are a load without rows of it, and rows of a load that is not known."""
    assert make(LATER, NEW_LOAD, deal(7, "unfinished")) == ALWAYS


def test_rows_of_raw_data_are_news(warehouse: Session, make: Make) -> None:
    assert make(LATER, NEW_LOAD, deal(-15)) == {one.name for one in TABLES}
    assert warehouse.rows("select is_large from large") == [(False,)]


def test_rows_that_come_to_loads_of_before_are_news(warehouse: Session, make: Make) -> None:
    """Nothing else tells of them: moments and loads are those of the last build."""
    assert make(VALUES, filled=["raw_files.others", "files.deals"]) == ALWAYS
    found = make(VALUES, deal(-15, "first"), filled=["raw_files.deals"])
    assert found == {one.name for one in TABLES}
    assert warehouse.rows("select is_large from large") == [(False,)]


def test_what_comes_out_the_same_changes_nobody(make: Make) -> None:
    assert make(LATER, NEW_LOAD, deal(5)) == ALWAYS | {"total", "large", "dated", "open"}


def test_what_reads_through_one_that_comes_out_the_same_stands(make: Make) -> None:
    assert make(LATER, NEW_LOAD, deal(0)) == ALWAYS | {"total"}


def test_a_moment_of_the_run_is_news(make: Make) -> None:
    assert make({**VALUES, "SALESOPS_AS_OF": "2026-01-02 09:00:00"}) == ALWAYS | {"dated"}


def test_to_look_back_is_news(warehouse: Session, make: Make) -> None:
    assert make(NEXT_DAY) == ALWAYS | {"open"}
    assert warehouse.rows("select is_open from open") == [(True,)]


def test_a_view_between_is_news(warehouse: Session, make: Make) -> None:
    nodes = [*NODES]
    nodes[0] = replace(
        NODES[0], sql=f"{NODES[0].sql} where date '2026-01-02' = {AS_OF}".format(**MOMENTS)
    )
    assert make({**VALUES, "SALESOPS_AS_OF": "2026-01-03"}, nodes=nodes) >= {"total", "large"}
    assert warehouse.rows("select amount from total") == [(None,)]


def test_what_a_test_found_stands(make: Make, results: list[dict[str, Any]]) -> None:
    make(LATER)
    [of_test] = [it for it in results if it["info"]["name"] == "LogTestResult"]
    assert (of_test["data"]["status"], of_test["data"]["num_failures"]) == ("warn", 3)


def test_none_differ_where_nothing_is_new(warehouse: Session, make: Make) -> None:
    assert make(LATER, NEW_LOAD, *LISTED, nodes=OF_DIFFERING) == ALWAYS
    assert warehouse.rows("select * from build.news") == []


def test_records_that_differ_are_recomputed(warehouse: Session, make: Make) -> None:
    made = make(LATER, NEW_LOAD, *LISTED, deal(5), nodes=OF_DIFFERING)
    assert {"news", "listed"} <= made
    assert sorted(warehouse.rows("select * from build.news")) == [(20,), (25,)]
    assert warehouse.rows("select * from listed") == [(25,)]
    assert "of_listed" in made, "a record has come and one has gone"
