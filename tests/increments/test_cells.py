"""Of a table that is made of cells, only the cells of which a row differs are written."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from dagster_project.run.cells import differing, write_cells
from dagster_project.run.nodes import Cells
from ingestion.warehouse.session import Session, session
from ingestion.warehouse.warehouse import Warehouse
from tests.ingestion.postgres_server import running_server

COLUMNS = "metric text, month_start date, key text, amount integer"
CELLS = Cells("members", {"metric": "metric", "month": "coalesce(month_start, date '0001-01-01')"})
JANUARY, NO_DAY = "date '2024-01-01'", "cast(null as date)"


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    if request.param == "duckdb":
        file = tmp_path_factory.mktemp("cells") / "warehouse.duckdb"
        with session(Warehouse("duckdb", str(file))) as opened:
            yield opened
    else:
        with running_server() as url, session(Warehouse("postgres", url)) as opened:
            yield opened


def written(warehouse: Session, before: list[str], now: list[str], of: str = "true") -> set[str]:
    """Write rows over rows; the cells that differed, once the table is as it should be."""
    for name in ("members", "news"):
        warehouse.execute(f"drop table if exists {name}")
    warehouse.execute(f"create table members ({COLUMNS})")
    for row in before:
        warehouse.execute(f"insert into members values ({row})")
    warehouse.execute(f"create table news ({COLUMNS})")
    for row in now:
        warehouse.execute(f"insert into news values ({row})")
    others = warehouse.rows(f"select * from members where not ({of})")
    write_cells(warehouse, "members", CELLS, of, "select * from news")
    expected = [*others, *warehouse.rows("select * from news")]
    assert sorted(map(str, warehouse.rows("select * from members"))) == sorted(map(str, expected))
    touched = warehouse.rows(f"select metric || ' ' || cast(month as text) from {differing(CELLS)}")
    assert len(touched) == len({*touched})
    return {cell for (cell,) in touched}


def row(metric: str, month: str, key: str, amount: int | None = 1) -> str:
    return f"'{metric}', {month}, '{key}', {'null' if amount is None else amount}"


STAYS = [row("won", JANUARY, "a"), row("won", JANUARY, "b"), row("lost", NO_DAY, "a", None)]


def test_what_is_as_it_was_is_not_written(warehouse: Session) -> None:
    assert written(warehouse, STAYS, STAYS[::-1]) == set()


@pytest.mark.parametrize(
    ("before", "now", "cells"),
    [
        ([row("won", JANUARY, "c")], [row("won", JANUARY, "c", 2)], {"won 2024-01-01"}),
        ([row("won", JANUARY, "c")], [row("won", JANUARY, "c", None)], {"won 2024-01-01"}),
        ([row("won", JANUARY, "a")], [], {"won 2024-01-01"}),
        ([], [row("won", JANUARY, "a")], {"won 2024-01-01"}),
        ([row("due", JANUARY, "c")], [], {"due 2024-01-01"}),
        ([], [row("due", NO_DAY, "c")], {"due 0001-01-01"}),
        (
            [row("due", NO_DAY, "c")],
            [row("due", JANUARY, "c")],
            {"due 0001-01-01", "due 2024-01-01"},
        ),
    ],
    ids=["changed", "emptied", "once less", "once more", "gone", "new", "moved"],
)
def test_cells_that_differ_are_written_and_told(
    warehouse: Session, before: list[str], now: list[str], cells: set[str]
) -> None:
    assert written(warehouse, [*STAYS, *before], [*STAYS, *now]) == cells


def test_rows_of_other_records_stay(warehouse: Session) -> None:
    before = [*STAYS, row("won", JANUARY, "c")]
    now = [row("won", JANUARY, "c", 3)]
    assert written(warehouse, before, now, "key = 'c'") == {"won 2024-01-01"}


def test_of_a_cell_that_differs_only_the_rows_that_do_are_written(warehouse: Session) -> None:
    before = [*STAYS, row("won", JANUARY, "c")]
    now = [*STAYS, row("won", JANUARY, "c", 3), row("won", JANUARY, "b")]
    assert written(warehouse, before, now) == {"won 2024-01-01"}
    [(differing,)] = warehouse.rows("select count(*) from changed")
    assert differing == len(["c as it was", "c as it is", "b, which is there twice"])


@pytest.mark.parametrize("seed", range(12))
def test_any_rows_become_any_others(warehouse: Session, seed: int) -> None:
    """Some as often as before, some more often or less, some of other records."""
    draw = random.Random(seed)
    rows = [
        row(metric, month, key, amount)
        for metric in ("won", "lost")
        for month in (JANUARY, NO_DAY)
        for key in "abc"
        for amount in (1, 2, None)
    ]
    before, now = (draw.choices(rows, k=draw.randint(0, 30)) for _ in range(2))
    written(warehouse, before, [it for it in now if "'a'" not in it], "key <> 'a'")
