"""A table by days: in an increment all days since the first on which something else happened."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from dagster_project.run.increment import Clock, Increment
from dagster_project.run.nodes import Cells, Node, Reading
from ingestion.warehouse.session import Session
from tests.increments.test_standing import VALUES, node

BEGUN, TODAY = dt.date(2026, 3, 1), dt.date(2026, 3, 31)
DAYS = (TODAY - BEGUN).days + 1
STEPS = 12
SET = '"build"."first_day"'
NODES = {
    one.name: one
    for one in (
        node("told", "select * from entered", is_own=True),
        node("changes", "select day, sum(amount) as amount from told group by day", "told"),
        node(
            "differing_days",
            "select day from changes",
            "changes",
            relation='"build"."differing_days"',
            cells=Cells("changes", {"day": "day"}),
        ),
        node(
            "first_day",
            'select min(day) as day from "build"."differing_days"',
            "differing_days",
            relation=SET,
        ),
        node(
            "balances",
            f"""select day as first_day, sum(amount) over (order by day) as amount,
            coalesce(lead(day) over (order by day) - 1, date '{TODAY}') as last_day from changes""",
            "changes",
            materialized="view",
            relation='"balances"',
        ),
        node(
            "daily",
            """select days.day, balances.amount from "balances" inner join days
            on days.day between balances.first_day and balances.last_day""",
            "balances",
            "first_day",
            reading=Reading(
                set="first_day",
                key="day",
                of={"balances": ("last_day", "day")},
                compared={},
                apart=(),
                wholly=None,
                stamps={},
                by_month=False,
                onwards=True,
            ),
        ),
    )
}
FORGETFUL: Mapping[str, Node] = {
    **NODES,
    "first_day": replace(NODES["first_day"], sql=f"select date '{TODAY}' as day"),
}
"""What takes it that nothing happens but today."""


@pytest.fixture
def warehouse(database: Session) -> Session:
    """What the last build has left, of a few days on which something was entered."""
    for statement in (
        "drop schema if exists build cascade",
        *(f"drop {it.materialized} if exists {it.relation}" for it in reversed(NODES.values())),
        "drop table if exists days",
        "drop table if exists entered",
        "create schema build",
        "create table build.inputs_read (model text, input text, digest text)",
        "create table days (day date)",
        "create table entered (day date, amount integer)",
        *(f"insert into days values ({day(number)})" for number in range(DAYS)),
        *(f"insert into entered values ({day(number)}, 1)" for number in (3, 8, 20)),
        *(f"create {one.materialized} {one.relation} as {one.sql}" for one in NODES.values()),
    ):
        database.execute(statement)
    return database


def day(number: int) -> str:
    return f"date '{BEGUN + dt.timedelta(days=number)}'"


def is_right(warehouse: Session, *statements: str, nodes: Mapping[str, Node] = NODES) -> bool:
    """Whether an increment after some statements leaves what a whole build gives."""
    for statement in statements:
        warehouse.execute(statement)
    clock = Clock(TODAY, BEGUN, BEGUN)
    Increment(warehouse, nodes, VALUES, clock, clock).run(lambda result: None)
    whole = warehouse.rows(NODES["daily"].sql)
    return sorted(map(str, warehouse.rows("select * from daily"))) == sorted(map(str, whole))


@pytest.mark.parametrize(
    "statement",
    [
        f"insert into entered values ({day(12)}, 2)",
        f"insert into entered values ({day(0)}, 2)",
        f"update entered set amount = 5 where day = {day(8)}",
        f"update entered set day = {day(25)} where day = {day(3)}",
        f"update entered set day = {day(1)} where day = {day(20)}",
        f"delete from entered where day = {day(8)}",
        "delete from entered",
    ],
    ids=["late", "before all", "changed", "moved on", "moved back", "gone", "all gone"],
)
def test_what_happened_to_a_day_of_the_past_matters_from_then_on(
    warehouse: Session, statement: str
) -> None:
    assert is_right(warehouse, statement)


def test_days_before_stand(warehouse: Session) -> None:
    warehouse.execute(f"update daily set amount = -1 where day < {day(12)}")
    assert not is_right(warehouse, f"insert into entered values ({day(12)}, 2)")
    assert warehouse.rows("select count(*) from daily where amount = -1") == [(9,)]
    assert is_right(warehouse, f"insert into entered values ({day(3)}, 2)")


def test_nothing_is_recomputed_where_nothing_differs(warehouse: Session) -> None:
    warehouse.execute("update daily set amount = -1")
    assert not is_right(warehouse)
    assert warehouse.rows("select distinct amount from daily") == [(-1,)]


def test_a_day_that_is_forgotten_would_be_seen(warehouse: Session) -> None:
    assert not is_right(warehouse, f"insert into entered values ({day(12)}, 2)", nodes=FORGETFUL)


@pytest.mark.parametrize("seed", range(4))
def test_days_by_chance(warehouse: Session, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(STEPS):
        one, other = (day(draw.randrange(DAYS)) for _ in range(2))
        statement = draw.choice(
            [
                f"insert into entered values ({one}, {draw.randint(-2, 2)})",
                f"update entered set day = {one} where day >= {other}",
                f"delete from entered where day = {one}",
            ]
        )
        assert is_right(warehouse, statement), statement
