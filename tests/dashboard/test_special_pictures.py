"""Special boards are drawn whatever the rows hold: nothing, one row, unknowns, hostile names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from dagster_project.dashboard.special.boards import SPECIAL_BOARDS
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Sentence,
    SpecialBoard,
    rows_of,
)
from tests.dashboard.pictures import pictures
from tests.dashboard.shell import empty
from tests.dashboard.small import small_company
from tests.thorough import thorough

HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "\"'`\\ & datum.value ${x}",
    "\u202eלשלום مرحبا 🦄",
    "x" * 300,
    "",
)
BROKEN = re.compile(r"NaN|undefined|null|Infinity|\[object")
"""What a number that is none looks like."""

each_board = pytest.mark.parametrize("board", SPECIAL_BOARDS, ids=lambda board: board.key)


def told(sentence: Sentence | None) -> str:
    """A sentence as text, its figures as they are."""
    parts = sentence or ()
    return "".join(str(part.value) if isinstance(part, Figure) else part for part in parts)


def test_keys_are_unique_and_every_page_has_boards() -> None:
    keys = [board.key for board in SPECIAL_BOARDS]
    assert len(set(keys)) == len(keys)
    pages = {board.page for board in SPECIAL_BOARDS}
    assert pages == {"pipeline", "velocity", "money", "people", "quality", "trust"}


@each_board
def test_nothing_gives_no_rows_and_a_sentence(board: SpecialBoard) -> None:
    assert rows_of(empty(), board) == []
    assert board.empty.endswith(".")
    assert board.note.endswith(".")


@each_board
def test_rows_have_the_columns_of_the_table(board: SpecialBoard) -> None:
    rows = rows_of(small_company(), board)
    assert rows
    columns: Sequence[Column] = [*board.columns, *([board.choice] if board.choice else [])]
    needed = {name for column in columns for name in (column.name, column.by) if name}
    if board.top is not None:
        needed.add("n_of_all")
    assert needed <= rows[0].keys()


@each_board
def test_one_row_is_drawn_with_words_beside(board: SpecialBoard) -> None:
    rows = rows_of(small_company(), board)
    for picture in pictures(board, rows):
        assert picture.words
        assert not [word for word in picture.words if BROKEN.search(word)]
        drawn = [shape for kind in ("rect", "symbol", "line") for shape in picture.marks(kind)]
        assert drawn, "nothing is drawn"
    for chosen in board.chosen(rows).values():
        assert told(board.says(chosen)).endswith(".")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("bridge", "+€100"),
        ("stage_and_age", "€100"),
        ("coverage", "100.0× of €100 to go"),
        ("changes", "+€100 · 1 deal"),
        ("changed_deals", "€100 · increased"),
        ("stage_funnel", "20 in · 50% go on (30–70%)"),
        ("bottlenecks", "100.0 days · usually 100.0"),
        ("held_up", "€100 · slow"),
        ("channel_funnel", "25%"),
        ("spend_to_won", "100.0×"),
        ("mrr_waterfall", "€100"),
        ("cohorts", "50"),
        ("receivables", "€100"),
        ("scorecards", "50.0% · peers 50.0%"),
        ("ramp", "this person"),
        ("activity_and_outcome", "30 done · 50% of 12"),
        ("fix_first", "€100 open · 3 of 10"),
        ("scores", "50.0% of 10"),
        ("references", "40.0% of 10 · €100"),
        ("restatements", "€10 → €30"),
        ("exclusions", "1"),
        ("definitions", "50.0%"),
        ("benchmarks", "50.0% · may be chance"),
    ],
)
def test_the_number_stands_at_its_mark(key: str, words: str) -> None:
    [board] = [board for board in SPECIAL_BOARDS if board.key == key]
    picture = next(pictures(board, rows_of(small_company(), board)))
    assert words in picture.words


STILL_DRAWN = {
    # Numbers of deals, of what is due, of who came in, of spend, of people, of references.
    **{"stage_and_age": 1, "coverage": 1, "stage_funnel": 1, "spend_to_won": 1, "scorecards": 1},
    **{"activity_and_outcome": 1, "references": 1, "exclusions": 1},
    # The whole difference; our number and theirs; the cells, which say that they hold nothing.
    **{"restatements": 1, "benchmarks": 2, "channel_funnel": 8},
}
"""Shapes that are of something known in a company whose money and measures are not."""


@each_board
def test_what_is_not_known_is_told_and_not_drawn_as_zero(board: SpecialBoard) -> None:
    rows = rows_of(small_company(money=None), board)
    for picture in pictures(board, rows):
        assert not [word for word in picture.words if BROKEN.search(word)]
        shapes = picture.marks("rect") + picture.marks("symbol")
        assert len(shapes) == STILL_DRAWN.get(board.key, 0)
    for chosen in board.chosen(rows).values():
        assert BROKEN.search(told(board.says(chosen))) is None


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("bridge", "not known"),
        ("mrr_waterfall", "not known"),
        ("changes", "not known · 1 deal"),
        ("changed_deals", "not known · increased"),
        ("stage_funnel", "20 in · not known go on"),
        ("bottlenecks", "none ended"),
        ("channel_funnel", "–"),
        ("spend_to_won", "won not known"),
        ("cohorts", "?"),
        ("receivables", "not known +?"),
        ("fix_first", "not known · 3 of 10"),
        ("scores", "not known of 10"),
        ("definitions", "not known"),
        ("restatements", "€10 → €30 · why, is not known"),
    ],
)
def test_words_stand_where_a_number_is_not_known(key: str, words: str) -> None:
    [board] = [board for board in SPECIAL_BOARDS if board.key == key]
    picture = next(pictures(board, rows_of(small_company(money=None), board)))
    assert words in picture.words


def hostile_names() -> Iterator[Any]:
    """Every board with a script and with another name, in turn; at length with all of them."""
    for place, board in enumerate(SPECIAL_BOARDS):
        others = len(HOSTILE) - 1
        for number, name in enumerate(HOSTILE):
            marks = () if number in (0, 1 + place % others) else thorough
            yield pytest.param(board, name, id=f"{board.key}-{number}", marks=marks)


@pytest.mark.parametrize(("board", "name"), hostile_names())
def test_a_hostile_name_stays_text(board: SpecialBoard, name: str) -> None:
    rows = rows_of(small_company(name), board)
    assert rows
    for picture in pictures(board, rows):
        assert "<script" not in picture.text
        assert {element.tag.rpartition("}")[2] for element in picture.root.iter()} <= {
            *("svg", "g", "path", "text", "rect", "line", "defs", "clipPath", "title", "tspan")
        }
    for chosen in board.chosen(rows).values():
        board.says(chosen)
