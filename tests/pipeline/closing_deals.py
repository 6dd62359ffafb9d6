"""Any deal that a company may have: what its history tells, and what its record's versions show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.oracle.closing import Change, Span, Timeline, Version, chained, timeline

Moment = dt.datetime
STATUSES = {
    "Lead": "open", "Offer": "open", "Won": "won", "Invoiced": "won", "Lost": "lost",
    "Dropped": "no_decision",
}  # fmt: skip
UNKNOWN = "Ghost"
"""A stage that histories name and the company does not have."""
TELLING, SILENT = "crm", "export"
"""A source that tells changes of stages, and one that does not."""
BEGIN = Moment(2024, 1, 1)
DAYS = 120
LOADS = tuple(BEGIN + dt.timedelta(days=n, hours=5) for n in (45, 80, 100, 130))
NOW = BEGIN + dt.timedelta(days=300)
INSTANT = dt.timedelta(microseconds=1)
AMOUNT = "100"


@dataclass(frozen=True)
class Day:
    """A bare day, of the company's time zone."""

    on: dt.date

    def span(self, zone: ZoneInfo) -> Span:
        """Its first and last moment."""
        return Span(midnight(self.on, zone), midnight(self.on + dt.timedelta(1), zone) - INSTANT)


@dataclass(frozen=True)
class Record:
    """A version of a deal's record, kept by a load; `closed_at` may be a bare day.

    A record that a load finds vanished is kept as a deleted version.
    """

    load: int
    stage: str
    close_date: Day | None
    closed_at: Moment | Day | None
    updated_at: Moment | None
    is_deleted: bool = False

    @property
    def seen_at(self) -> Moment:
        """The moment that the version is of."""
        return self.updated_at or LOADS[self.load]

    def date(self, zone: ZoneInfo) -> Span | None:
        """The record's date."""
        day = self.closed_at or self.close_date
        if isinstance(day, Moment):
            whole = Day(local(day, zone).date()).span(zone)
            return whole if whole.first == day else Span(day, day)
        return day.span(zone) if day else None


@dataclass(frozen=True)
class Deal:
    """`moves`, `owners` and `amounts` are told, in the source's order; moments are UTC, no zone.

    What was emptied becomes None.
    """

    id: str
    source: str
    created: Moment | Day | None
    moves: tuple[Change, ...]
    owners: tuple[Change, ...]
    records: tuple[Record, ...]
    amounts: tuple[Change, ...] = ()

    @property
    def owner(self) -> str | None:
        """Who has it now."""
        return self.owners[-1].new if self.owners else "a"

    @property
    def amount(self) -> str | None:
        """What it is worth now."""
        return self.amounts[-1].new if self.amounts else AMOUNT

    @property
    def told(self) -> list[Moment]:
        """The moments of which its history tells something."""
        return [change.at for change in (*chained(self.moves), *self.owners, *self.amounts)]

    @property
    def record(self) -> Record:
        """What the source says now."""
        return self.records[-1]

    def created_at(self, zone: ZoneInfo) -> Moment | None:
        """The moment of creation; that of a bare day is its first."""
        return self.created.span(zone).first if isinstance(self.created, Day) else self.created

    def timeline(self, zone: ZoneInfo, until: Moment | None = None) -> Timeline:
        """The oracle's."""
        return timeline(
            self.created_at(zone),
            self.moves,
            self.record.stage,
            self.record.date(zone),
            [Version(record.seen_at, record.stage) for record in self.records],
            STATUSES,
            until,
        )

    def removed_at(self, until: Moment | None) -> Moment | None:
        """When it was deleted: as of the first load that lacks it, or where the data ends."""
        if not self.record.is_deleted:
            return None
        return min(self.record.seen_at, until) if until else self.record.seen_at

    def loaded_once(self) -> Deal:
        """The deal as one load of today finds it."""
        return replace(self, records=(replace(self.record, load=len(LOADS) - 1),))

    def told_after(self, moment: Moment, zone: ZoneInfo) -> bool:
        """Whether anything of it is told, created or updated after a moment."""
        moments = [change.at for change in (*self.moves, *self.owners, *self.amounts)]
        moments += [record.updated_at for record in self.records if record.updated_at]
        created = self.created_at(zone)
        begins = [created] if created and not self.record.is_deleted else []
        return any(at > moment for at in (*moments, *begins))


def held(changes: Sequence[Change], now: str | None, moment: Moment) -> str | None:
    """What a field was at a moment, by its told changes and what the record says now."""
    later = [change for change in changes if change.at > moment]
    if not later:
        return now
    past = [change for change in changes if change.at <= moment]
    return past[-1].new if past else later[0].old


def midnight(day: dt.date, zone: ZoneInfo) -> Moment:
    """The UTC moment with which a day begins in a time zone."""
    local_midnight = Moment.combine(day, dt.time(), zone)
    return local_midnight.astimezone(dt.UTC).replace(tzinfo=None)


def local(moment: Moment, zone: ZoneInfo) -> Moment:
    """A UTC moment on a time zone's clocks."""
    return moment.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None)


MINUTES = st.sampled_from([0, 1, 480, 600, 660, 1140, 1380])
"""Of a UTC day: some are midnights somewhere, and some pairs are days apart only somewhere."""
MOMENTS = st.builds(
    lambda day, minute: BEGIN + dt.timedelta(days=day, minutes=minute),
    st.integers(0, DAYS), MINUTES,
)  # fmt: skip
BARE_DAYS = st.builds(lambda day: Day(BEGIN.date() + dt.timedelta(day)), st.integers(0, DAYS))
GAPS = st.sampled_from([0, 0, 60, 300, 1440, 14_400, 43_200])
"""Minutes from one told move to the next."""
STAGES = st.sampled_from(list(STATUSES))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Change, ...]:
    """Moves told of a deal, perhaps with the first old value unknown and instants out of order.

    A stage may be emptied on the way.
    """
    count = draw(st.integers(0, 5))
    if not count:
        return ()
    at, stage = draw(MOMENTS), draw(st.one_of(st.none(), STAGES))
    moves: list[Change] = []
    for _ in range(count):
        new = draw(st.one_of(STAGES, STAGES, STAGES, st.sampled_from([UNKNOWN, UNKNOWN, None])))
        if new != stage:
            moves.append(Change(at, stage, new))
            stage = new
        at = min(at + dt.timedelta(minutes=draw(GAPS)), LOADS[-1])
    if draw(st.booleans()):
        moves.reverse()
    return tuple(moves)


@st.composite
def record_dates(draw: st.DrawFn, told: Sequence[Moment]) -> Moment | Day | None:
    """A moment or day, often near what the history tells."""
    kind = draw(st.sampled_from(["none", "near", "near", "moment", "day"]))
    if kind == "none":
        return None
    if kind == "near" and told:
        near = draw(st.sampled_from(list(told)))
        near += dt.timedelta(minutes=draw(st.sampled_from([-43_200, -1440, -60, 0, 60, 14_400])))
        return draw(st.sampled_from([near, Day(near.date())]))
    return draw(BARE_DAYS if kind == "day" else MOMENTS)


@st.composite
def versions(draw: st.DrawFn, moves: Sequence[Change]) -> tuple[Record, ...]:
    """The versions that the loads have left: mostly where the history is, sometimes elsewhere.

    The last one is not older than the history, which is exported with it.
    """
    told = sorted(change.at for change in moves)
    ends_in = [move.new for move in moves if move.at == max(told)] if moves else []
    likely = [stage for stage in ends_in if stage in STATUSES]
    loads = draw(st.lists(st.integers(0, len(LOADS) - 1), min_size=1, max_size=3, unique=True))
    found = []
    for load in sorted(loads):
        stage = draw(st.one_of(st.sampled_from(likely), STAGES) if likely else STAGES)
        closed_at = draw(record_dates(told))
        due = draw(st.one_of(st.none(), BARE_DAYS)) if closed_at else draw(record_dates(told))
        close_date = Day(due.date()) if isinstance(due, Moment) else due
        said = draw(st.one_of(st.none(), st.none(), MOMENTS))
        is_new = said and said <= LOADS[load] and (not found or said > found[-1].seen_at)
        updated_at = said if is_new else None
        found.append(Record(load, stage, close_date, closed_at, updated_at))
    if told and found[-1].seen_at < told[-1]:
        found[-1] = replace(found[-1], load=len(LOADS) - 1, updated_at=None)
    if found[-1].load < len(LOADS) - 1 and draw(st.integers(0, 9)) == 0:
        found.append(replace(found[-1], load=len(LOADS) - 1, updated_at=None, is_deleted=True))
    return tuple(found)


@st.composite
def values(draw: st.DrawFn, told: Sequence[Moment], before: str, after: str) -> tuple[Change, ...]:
    """What became of a field's value, if anything is told: changed, emptied, set or both."""
    ways = [[before, after], [before, None], [None, after], [before, None, after]]
    way = draw(st.one_of(st.just([]), st.sampled_from(ways)))
    at = draw(st.one_of(st.sampled_from(told), MOMENTS) if told else MOMENTS)
    changes = []
    for old, new in pairwise(way):
        changes.append(Change(at, old, new))
        at += dt.timedelta(minutes=draw(GAPS))
    return tuple(changes)


@st.composite
def deals(draw: st.DrawFn, source: str) -> Deal:
    """A deal without a name."""
    moves = draw(histories()) if source == TELLING else ()
    created = draw(st.one_of(MOMENTS, BARE_DAYS, MOMENTS, BARE_DAYS, st.none()))
    owners, amounts = (), ()
    if source == TELLING:
        told = [change.at for change in moves]
        owners = draw(values(told, "a", "b"))
        amounts = draw(values(told, "60", AMOUNT))
    return Deal("", source, created, moves, owners, draw(versions(moves)), amounts)


@dataclass(frozen=True, repr=False)
class Case:
    """A company of deals in a time zone, and the moment at which its file says its data ends."""

    zone: ZoneInfo
    as_of: Moment | None
    deals: tuple[Deal, ...]

    def __repr__(self) -> str:
        return f"{len(self.deals)} deals of {self.zone}, as_of {self.as_of}"

    @property
    def until(self) -> Moment | None:
        """Its own as_of where that ends windows: where nothing of the data lies after it."""
        told = [deal.told_after(self.as_of, self.zone) for deal in self.deals] if self.as_of else []
        return None if any(told) else self.as_of

    def timelines(self) -> Mapping[str, Timeline]:
        """The oracle's, by deal."""
        return {deal.id: deal.timeline(self.zone, self.until) for deal in self.deals}

    def loaded_once(self) -> Case:
        """The company whose systems are exported for the first time today."""
        return replace(self, deals=tuple(deal.loaded_once() for deal in self.deals))


@st.composite
def cases(draw: st.DrawFn, zones: Sequence[str], size: int = 60) -> Case:
    """Companies of `size` deals."""
    found = draw(
        st.lists(
            st.one_of(deals(TELLING), deals(TELLING), deals(SILENT)), min_size=size, max_size=size
        )
    )
    named = tuple(replace(deal, id=f"d{n}") for n, deal in enumerate(found))
    as_of = draw(
        st.sampled_from([None, NOW - dt.timedelta(days=20), BEGIN + dt.timedelta(days=90)])
    )
    return Case(ZoneInfo(draw(st.sampled_from(list(zones)))), as_of, named)
