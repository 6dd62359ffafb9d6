"""When a deal was open, and when it closed: the KPI dictionary's closing rule, for one deal.

Pure: no frames, no time zones, no product code. "Told" means that a row of a history says so; a
version is a kept state of the record, of the moment at which its source says it changed it, else
of its load. Where the rule leaves room, this is what holds here, and why:

- A stage that was emptied is none, and every deal is in one: it stays in the stage before.
- A move into a stage that the company does not have changes nothing but the stage: a closed
  stretch goes on through it, an open deal stays open ("neither open nor contradictions").
- A first told change *out of* a closed stage, with none into it (an import), tells that the deal
  was closed by then: there, or at a version that showed it before, the window of that closing ends,
  and the deal is open until it closed. So it is where what else showed it open is swallowed.
- A window never ends before it begins: of the versions that show an outcome only those count that
  are not older than the last told move into an open stage, else the window is that one moment.
- Only the last closing has a date of the record's; earlier ones are where they were told or seen.
- The last closing, where its date is in the window, takes all of its closed stretch that is not
  earlier: other outcomes told later in it are swallowed, and so are moves that only versions show
  ("a change seen between loads never overrides a dated record").
- Where what is swallowed parts two told moves into one outcome, the first of them was the closing.
- Versions tell of moves between them where they are later than the deal's own last told one.
- A closing without any date that no history tells has a moment only where something shows the deal
  in another state before it: the first version that shows the outcome. Else nobody knows when; the
  deal was never seen open, so it is closed from its beginning and in no period.
- An open record whose history ends in a closed stage is open from the first version of the last
  run of open ones, whichever open stage that one shows. Versions older than the history's end
  cannot show it.
- A history that ends in an unknown stage: that is the record's stage under another name, from the
  told move on, unless the record is open and the deal was closed; then it opens with a version.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Moment = dt.datetime
OPEN = "open"


@dataclass(frozen=True)
class Change:
    """A told change; `old` is None where the history does not say, or there was no value.

    `new` is None where the value was emptied.
    """

    at: Moment
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Version:
    """The stage that a kept version of the record shows."""

    at: Moment
    stage: str


@dataclass(frozen=True)
class Span:
    """The record's date: a moment (`first` is `last`), or all moments of a bare day."""

    first: Moment
    last: Moment

    @property
    def is_bare(self) -> bool:
        """Whether it is a day."""
        return self.first != self.last


@dataclass(frozen=True)
class Stay:
    """A stage and status from a moment on (None: from the deal's beginning)."""

    at: Moment | None
    stage: str | None
    status: str


@dataclass(frozen=True)
class Closing:
    """The last closing of a deal that is closed now; no moment: nobody knows when."""

    at: Moment | None
    is_bare: bool = False
    finding: str | None = None


@dataclass(frozen=True)
class Timeline:
    """A deal's stays in order, and how it closed (None: it is open)."""

    stays: tuple[Stay, ...]
    closing: Closing | None = None

    def at(self, moment: Moment) -> Stay:
        """Where the deal was at a moment."""
        return [stay for stay in self.stays if stay.at is None or stay.at <= moment][-1]

    def closed_at(self, moment: Moment) -> Moment | None:
        """When the deal closed, as of a moment at which it is closed; None: unknown."""
        past = [stay for stay in self.stays if stay.at is None or stay.at <= moment]
        closings = [
            stay.at
            for before, stay in zip([None, *past], past, strict=False)
            if stay.status != OPEN and (before is None or before.status != stay.status)
        ]
        return closings[-1] if past[-1].status != OPEN else None


@dataclass(frozen=True)
class Event:
    """A move into a stage, told or seen between versions, with the status after it."""

    at: Moment
    stage: str | None
    status: str
    is_told: bool
    is_known: bool
    """Whether it is one of the company's stages."""

    @property
    def opens(self) -> bool:
        """Whether no later closing can be before it."""
        return self.is_told and self.is_known and self.status == OPEN


def timeline(
    created: Moment | None,
    changes: Sequence[Change],
    stage: str,
    date: Span | None,
    versions: Sequence[Version],
    statuses: Mapping[str, str],
    until: Moment | None = None,
) -> Timeline:
    """A deal's life by the closing rule.

    `changes` are told, in the source's order. `stage` and `date` are the record's. `versions` are
    in the order of their loads, the last one the record itself. `statuses` are those of the stages
    of the deal's pipeline. `until` is the company's own as_of where it ends windows.
    """
    seen = _in_time(versions, until)
    if told := chained(changes):
        first, events = _told(told, statuses)
        events += _later(seen, events, statuses)
    else:
        first, events = _between(seen, statuses)
    status = statuses.get(stage, OPEN)
    if status == OPEN:
        return Timeline(_open_now(first, events, stage, seen, statuses))
    return _closed_now(created, first, events, stage, status, date, seen, statuses)


def chained(changes: Sequence[Change]) -> list[Change]:
    """Told changes by time; those of one instant as a chain, old to new.

    Where no order makes the whole chain, the source's holds. Changes to the stage that the
    deal was in already are none.
    """
    result: list[Change] = []
    stage = left = None
    for at in sorted({change.at for change in changes}):
        together = [change for change in changes if change.at == at]
        begins = [left, *(change.old for change in together)]
        chains = (_chain(begin, together) for begin in begins)
        for change in next((chain for chain in chains if chain), together):
            old = change.old if change.old is not None else stage
            stage, left = change.new if change.new is not None else old, change.new
            if stage != old:
                result.append(Change(at, old, stage))
    return result


def _chain(before: str | None, together: Sequence[Change]) -> list[Change] | None:
    """All of the changes, old to new, from a stage on; None: there is no such order."""
    if not together:
        return []
    for n, change in enumerate(together):
        if change.old == before:
            rest = _chain(change.new, [*together[:n], *together[n + 1 :]])
            if rest is not None:
                return [change, *rest]
    return None


def _in_time(versions: Sequence[Version], until: Moment | None) -> list[Version]:
    """Versions of ascending moments; one that is not later than the one before corrects it."""
    result: list[Version] = []
    for version in versions:
        at = version.at if until is None else min(version.at, until)
        if result and at <= result[-1].at:
            at = result.pop().at
        result.append(Version(at, version.stage))
    return result


def _told(changes: Sequence[Change], statuses: Mapping[str, str]) -> tuple[Stay, list[Event]]:
    first = changes[0].old if changes else None
    status = statuses.get(first, OPEN) if first else OPEN
    stay, events = Stay(None, first, status), []
    for change in changes:
        known = statuses.get(change.new) if change.new else None
        status = known or status
        events.append(Event(change.at, change.new, status, True, known is not None))
    return stay, events


def _between(versions: Sequence[Version], statuses: Mapping[str, str]) -> tuple[Stay, list[Event]]:
    """The moves that versions show; a stage in which the first one is open holds from creation."""
    begins_open = statuses.get(versions[0].stage, OPEN) == OPEN
    first = Stay(None, versions[0].stage if begins_open else None, OPEN)
    shown, events = first.stage, []
    for version in versions:
        if version.stage != shown:
            status = statuses.get(version.stage, OPEN)
            events.append(Event(version.at, version.stage, status, False, True))
        shown = version.stage
    return first, events


def _later(
    versions: Sequence[Version], events: Sequence[Event], statuses: Mapping[str, str]
) -> list[Event]:
    """The moves between versions that are all later than what is told."""
    told_until, shown = max(event.at for event in events), events[-1].stage
    later: list[Event] = []
    for before, version in pairwise(one for one in versions if one.at > told_until):
        if version.stage not in (before.stage, shown):
            status = statuses.get(version.stage, OPEN)
            later.append(Event(version.at, version.stage, status, False, True))
            shown = version.stage
    return later


def _run(versions: Sequence[Version], status: str, statuses: Mapping[str, str]) -> list[Version]:
    """The last versions, as far back as they all show a status."""
    run: list[Version] = []
    for version in reversed(versions):
        if statuses.get(version.stage, OPEN) != status:
            break
        run.insert(0, version)
    return run


def _stays(first: Stay, events: Sequence[Event]) -> list[Stay]:
    return [first, *(Stay(event.at, event.stage, event.status) for event in events)]


def _open_now(
    first: Stay,
    events: Sequence[Event],
    stage: str,
    versions: Sequence[Version],
    statuses: Mapping[str, str],
) -> tuple[Stay, ...]:
    if not events and first.stage is None:
        return (Stay(None, stage, OPEN),)
    stays = _stays(first, events)
    last = stays[-1]
    if last.stage == stage and last.status == OPEN:
        return tuple(stays)
    if last.status == OPEN and last.stage not in statuses:
        return (*stays[:-1], Stay(last.at, stage, OPEN))
    run = _run(versions, OPEN, statuses)
    ended = last.at
    shown = [one for one in run if ended is None or one.at >= ended]
    if not shown:
        assert ended is not None
        shown = [Version(ended, stage)]
    for version in shown:
        if stays[-1].status != OPEN or version.stage != stays[-1].stage:
            stays.append(Stay(version.at, version.stage, OPEN))
    return tuple(stays)


def _closed_now(
    created: Moment | None,
    first: Stay,
    events: Sequence[Event],
    stage: str,
    status: str,
    date: Span | None,
    versions: Sequence[Version],
    statuses: Mapping[str, str],
) -> Timeline:
    told = _last_closing(first, events, status)
    before, after = (events, ()) if told is None else (events[:told], events[told + 1 :])
    is_told = told is not None and events[told].is_told
    begin = max((event.at for event in before if event.opens), default=None)
    born_closed = first.status == status and all(event.status == status for event in events)
    if born_closed and events:
        shown = [one.at for one in _run(versions, status, statuses)]
        end, before, after = min(events[0].at, *shown), (), events
    elif is_told:
        end = events[told].at
    else:
        shown = [one.at for one in _run(versions, status, statuses)]
        late_enough = [at for at in shown if begin is None or at >= begin]
        end = late_enough[0] if late_enough else begin or shown[-1]

    at, finding = _dated(date, begin, end)
    if date is None:
        was_otherwise = (
            (first.stage in statuses and first.status != status)
            or any(event.is_known and event.status != status for event in events)
            or len(_run(versions, status, statuses)) < len(versions)
        )
        at = end if is_told or was_otherwise else None
    elif finding and is_told:
        at = end
    if at is None:
        return Timeline((Stay(None, stage, status),), Closing(None))

    entered = stage
    if told is not None:
        entered = events[told].stage or stage
    elif born_closed and first.stage:
        entered = first.stage
    kept = _until(before, at, status)
    if born_closed:
        first = Stay(None, None, OPEN)
    elif first.status == status and all(event.status == status for event in kept):
        if events[0].at < at:
            kept.insert(0, Event(events[0].at, first.stage, status, True, True))
        first = Stay(None, None, OPEN)
    stays = _stays(first, kept)
    closes = stays[-1].status != status
    stays.append(Stay(at, entered, status))
    stays += [Stay(max(one.at, at), one.stage, one.status) for one in after]
    if stays[-1].stage not in statuses:
        stays[-1] = Stay(stays[-1].at, stage, status)
    elif stays[-1].stage != stage:
        stays.append(Stay(max(stays[-1].at or at, versions[-1].at), stage, status))
    if finding is None and created is not None and at < created:
        finding = "closed_before_created"
    if not closes:
        return Timeline(tuple(stays), Closing(Timeline(tuple(stays)).closed_at(at), False, finding))
    is_bare = date is not None and date.is_bare and finding in (None, "closed_before_created")
    return Timeline(tuple(stays), Closing(at, is_bare and not (is_told and at == end), finding))


def _last_closing(first: Stay, events: Sequence[Event], status: str) -> int | None:
    """Which event closed the deal with the outcome in which the events end; None: none did."""
    if not events or events[-1].status != status:
        return None
    before = [first.status, *(event.status for event in events)]
    turns = [n for n, event in enumerate(events) if before[n] != event.status]
    return turns[-1] if turns else None


def _dated(
    date: Span | None, begin: Moment | None, end: Moment
) -> tuple[Moment | None, str | None]:
    """The moment within a window that the record's date names, else the nearer end and why."""
    if date is None:
        return None, None
    if date.first > end:
        return end, "closed_in_future"
    at = min(date.last, end)
    if begin is not None and at < begin:
        return begin, "closing_contradicted"
    return at, None


def _until(events: Sequence[Event], closed_at: Moment, status: str) -> list[Event]:
    """What a closing leaves of the events before it.

    Versions that showed the outcome before, with others in between that are swallowed, saw this
    very closing.
    """
    opened = max((n for n, event in enumerate(events) if event.opens), default=-1)
    kept = [event for n, event in enumerate(events) if n <= opened or event.at < closed_at]
    while kept and not kept[-1].is_told and kept[-1].status == status:
        kept.pop()
    return kept
