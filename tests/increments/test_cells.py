"""Of a table that is made of cells, only the cells of which a row differs are written."""

from __future__ import annotations

import random

import pytest

from dagster_project.run.cells import differing, write_cells
from dagster_project.run.nodes import Cells
from ingestion.warehouse.session import Session

COLUMNS = "metric text, month_start date, key text, amount integer"
CELLS = Cells("members", {"metric": "metric", "month": "coalesce(month_start, date '0001-01-01')"})
JANUARY, NO_DAY = "date '2024-01-01'", "cast(null as date)"


def written(database: Session, before: list[str], now: list[str], of: str = "true") -> set[str]:
    """Write rows over rows; the cells that differed, once the table is as it should be."""
    for name in ("members", "news"):
        database.execute(f"drop table if exists {name}")
    database.execute(f"create table members ({COLUMNS})")
    for row in before:
        database.execute(f"insert into members values ({row})")
    database.execute(f"create table news ({COLUMNS})")
    for row in now:
        database.execute(f"insert into news values ({row})")
    others = database.rows(f"select * from members where not ({of})")
    write_cells(database, "members", CELLS, of, "select * from news")
    expected = [*others, *database.rows("select * from news")]
    assert sorted(map(str, database.rows("select * from members"))) == sorted(map(str, expected))
    touched = database.rows(f"select metric || ' ' || cast(month as text) from {differing(CELLS)}")
    assert len(touched) == len({*touched})
    return {cell for (cell,) in touched}


def row(metric: str, month: str, key: str, amount: int | None = 1) -> str:
    return f"'{metric}', {month}, '{key}', {'null' if amount is None else amount}"


STAYS = [row("won", JANUARY, "a"), row("won", JANUARY, "b"), row("lost", NO_DAY, "a", None)]


def test_what_is_as_it_was_is_not_written(database: Session) -> None:
    assert written(database, STAYS, STAYS[::-1]) == set()


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
    database: Session, before: list[str], now: list[str], cells: set[str]
) -> None:
    assert written(database, [*STAYS, *before], [*STAYS, *now]) == cells


def test_rows_of_other_records_stay(database: Session) -> None:
    before = [*STAYS, row("won", JANUARY, "c")]
    now = [row("won", JANUARY, "c", 3)]
    assert written(database, before, now, "key = 'c'") == {"won 2024-01-01"}


def test_of_a_cell_that_differs_only_the_rows_that_do_are_written(database: Session) -> None:
    before = [*STAYS, row("won", JANUARY, "c")]
    now = [*STAYS, row("won", JANUARY, "c", 3), row("won", JANUARY, "b")]
    assert written(database, before, now) == {"won 2024-01-01"}
    [(differing,)] = database.rows("select count(*) from changed")
    assert differing == len(["c as it was", "c as it is", "b, which is there twice"])


@pytest.mark.parametrize("seed", range(12))
def test_any_rows_become_any_others(database: Session, seed: int) -> None:
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
    written(database, before, [it for it in now if "'a'" not in it], "key <> 'a'")
