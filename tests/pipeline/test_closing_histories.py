"""Histories and versions, worked by hand, that one load of a files company cannot show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from tests.oracle.closing import Change
from tests.pipeline.closing_bench import Bench
from tests.pipeline.closing_deals import LOADS, NOW, SILENT, TELLING, Case, Deal, Moment, Record
from tests.pipeline.test_closing_properties import Built

ZONE = ZoneInfo("America/Los_Angeles")
FEB, MAR, APR, MAY = LOADS
"""2024-02-15, 03-21, 04-10 and 05-10, each at 05:00."""


def at(text: str) -> Moment:
    return Moment.fromisoformat(f"2024-{text}")


def seen(load: Moment, stage: str, closed: str | None = None, updated: str | None = None) -> Record:
    """A record as a load has seen it."""
    moments = [at(text) if text else None for text in (closed, updated)]
    return Record(LOADS.index(load), stage, None, *moments)


def told(*moves: tuple[str, str | None, str]) -> tuple[Change, ...]:
    """A history of stages."""
    return tuple(Change(at(text), old, new) for text, old, new in moves)


EXPECTED: dict[str, tuple[tuple[Change, ...], list[Record], Moment | None, dict[str, str]]] = {
    # Won for ever since it was first seen won, whatever its record is made to say later.
    "edited_within_its_outcome": (
        (), [seen(MAR, "Invoiced", "04-29 10:00"), seen(MAY, "Won", "04-18 23:00")], MAR,
        {"03-01": "open", "04-01": "won"},
    ),
    # Nobody saw it open: no version tells when it closed.
    "never_seen_open_and_without_a_date": (
        (), [seen(FEB, "Invoiced"), seen(MAY, "Won")], None, {"03-01": "won"},
    ),
    "seen_closed_then_open": (
        (), [seen(MAR, "Dropped", "01-21 10:00"), seen(MAY, "Lead")], None,
        {"03-01": "open", "04-01": "no_decision", "06-01": "open"},
    ),
    "seen_closed_open_and_closed_before_all_that": (
        (), [seen(MAR, "Dropped"), seen(APR, "Lead"), seen(MAY, "Dropped", "01-15 08:01")],
        at("01-15 08:01"), {"01-12": "open", "02-01": "no_decision", "04-20": "no_decision"},
    ),
    # A stage that nobody knows does not open a closed deal; the first version that shows it does.
    "won_then_unknown_and_seen_open": (
        told(("01-15 10:00", "Lead", "Won"), ("02-07 10:00", "Won", "Ghost")), [seen(FEB, "Lead")],
        None, {"02-10": "won", "02-20": "open"},
    ),
    # Versions older than the end of the history do not show what came after it.
    "open_again_and_seen_open_long_before": (
        told(("04-16 10:00", "Lead", "Won")), [seen(FEB, "Lead"), seen(MAY, "Lead")], None,
        {"04-01": "open", "05-01": "won", "05-11": "open"},
    ),
    "won_again_and_seen_won_long_before": (
        told(("04-14 10:00", "Lead", "Won"), ("04-24 10:00", "Won", "Offer")),
        [seen(MAR, "Won", updated="02-03 10:00"), seen(MAY, "Won", "05-04 10:00")],
        at("05-04 10:00"), {"04-20": "won", "05-01": "open", "05-05": "won"},
    ),
    # What the history tells of the deal before holds, though nothing dates the record's outcome.
    "outcome_changed_without_a_date": (
        told(("03-14 10:00", "Lead", "Lost")), [seen(MAY, "Won")], MAY,
        {"03-01": "open", "04-01": "lost", "06-01": "won"},
    ),
    "first_told_to_leave_a_closed_stage": (
        told(("02-26 10:00", "Won", "Invoiced")), [seen(MAY, "Invoiced", "02-10 10:00")],
        at("02-10 10:00"), {"02-01": "open", "03-01": "won"},
    ),
    "lost_and_won_in_one_second": (
        told(
            ("02-10 10:00", "Lead", "Lost"), ("02-10 10:00", "Lost", "Offer"),
            ("02-10 10:00", "Offer", "Won"),
        ),
        [seen(FEB, "Won", "02-10 10:00")], at("02-10 10:00"), {"02-10": "won"},
    ),
    # The history tells only that it was won by February 20, and what was seen overrides no date.
    "left_a_closed_stage_then_seen_open": (
        told(("02-20 10:00", "Won", "Ghost")), [seen(MAR, "Lead"), seen(MAY, "Won", "02-20 12:00")],
        at("02-20 10:00"), {"02-01": "open", "03-01": "won", "04-01": "won"},
    ),
    # No told closing dates it, and its own date is before the window's beginning.
    "seen_won_twice_and_dated_before_it_was_told_open": (
        told(("03-15 10:00", None, "Offer")),
        [seen(FEB, "Lost"), seen(MAR, "Won"), seen(MAY, "Invoiced", "03-11 10:00")],
        at("03-15 10:00"), {"03-01": "open", "04-01": "won"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """All of the deals, created on January 10."""
    deals = tuple(
        Deal(f"d{n}", TELLING if moves else SILENT, at("01-10 10:00"), moves, (), tuple(records))
        for n, (moves, records, _, _) in enumerate(EXPECTED.values())
    )
    folder = tmp_path_factory.mktemp("closing_histories")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        bench, case = Bench.made_in(folder), Case(ZONE, None, deals)
        bench.load(case)
        yield Built.of(bench, case, NOW)


@pytest.mark.parametrize("name", EXPECTED)
def test_by_hand(built: Built, name: str) -> None:
    _, _, closed_at, statuses = EXPECTED[name]
    deal = f"d{list(EXPECTED).index(name)}"
    found = {day: built.status_at(deal, at(day) + dt.timedelta(hours=12)) for day in statuses}
    assert (built.closed_at(deal), found) == (closed_at, statuses)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_oracle_agrees(name: str) -> None:
    moves, records, closed_at, statuses = EXPECTED[name]
    source = TELLING if moves else SILENT
    deal = Deal("d0", source, at("01-10 10:00"), moves, (), tuple(records))
    life = deal.timeline(ZONE)
    found = {day: life.at(at(day) + dt.timedelta(hours=12)).status for day in statuses}
    assert (life.closing.at if life.closing else None, found) == (closed_at, statuses)
