"""What subscriptions were: their present, rolled back through what events say was otherwise before.

Stripe has no past of a subscription; an event of an update tells the values that it replaced
(`previous_attributes`, in the version of the API that the account has, whatever we ask for). So the
present is the state since the newest event, and with that event's values put back it is the state
before it. An event of an end replaces nothing that it tells: what a subscription was just before
it ended is what events before show it as, or what an earlier load knew of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

Document = dict[str, Any]

EMBEDDED = 10
"""A list in an object holds so many; of longer ones an event does not tell the rest."""
ENDED = ("canceled", "incomplete_expired")
DELETED = "customer.subscription.deleted"
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "status": ("status",),
        "pause": ("pause_collection",),
        "items": ("items", "plan", "quantity"),
    }
)
"""What an event calls the parts of a state."""


@dataclass(frozen=True)
class Item:
    """A subscription's item: the id of its price, and how many."""

    id: str
    price: str | None
    quantity: Any


@dataclass(frozen=True)
class State:
    """What counts of a subscription; `status` is None where nothing tells it."""

    status: str | None
    pause: str | None
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Subscription:
    """A subscription as it is. Moments are seconds since 1970 UTC, here and below."""

    id: str
    created: int
    trial_end: int | None
    ended_at: int | None
    state: State

    @classmethod
    def of(cls, found: Document) -> Subscription:
        """What of Stripe's object counts here."""
        items = found["items"]["data"]
        paused = found.get("pause_collection") or {}
        state = State(
            found["status"],
            paused.get("behavior"),
            tuple(Item(it["id"], _price(it), it.get("quantity")) for it in items),
        )
        trial_end, ended_at = found.get("trial_end"), found.get("ended_at")
        return cls(found["id"], found["created"], trial_end, ended_at, state)


@dataclass(frozen=True)
class Known:
    """The last state that earlier loads know of a subscription before some moment."""

    id: str
    began_at: int
    known_from: int
    state: State


@dataclass(frozen=True)
class Stretch:
    """A state of a subscription, from a moment on. See the raw table."""

    id: str
    subscription: str
    began_at: int
    known_from: int
    state: State


@dataclass(frozen=True)
class Past:
    """What tells a subscription's past: its events since `since`, newest first as Stripe has them.

    `known` is the last state that earlier loads have from before the first of them, if any. Where
    there are no events of some time after it, `unknown_from` is when that time began.
    """

    subscription: Subscription
    events: Sequence[Document]
    since: int
    known: Known | None
    unknown_from: int | None
    warn: Callable[[str], None]

    def stretches(self) -> Iterator[Stretch]:
        """The states that the events tell, one for each second that changed something.

        Where earlier loads know none that they go on from, the one before them is told, too; where
        one does, it is told once more, with what the events say that it was.
        """
        id, created = self.subscription.id, self.subscription.created
        state, told, moments = self.subscription.state, set[str](), list[int]()
        for event, before in self._rolled_back(state):
            moment = event["created"]
            if moment not in moments:
                moments.append(moment)
                yield Stretch(f"{id}@{moment}", id, moment, moment, state)
            told |= _differing(before, state)
            state = before
        if self.known is not None and self.unknown_from is None:
            if told:
                known = self.known
                better = replace(known.state, **{name: getattr(state, name) for name in told})
                yield Stretch(known.id, id, known.began_at, known.known_from, better)
            return
        known_from = max(created, self.since)
        if known_from > created:
            gap = self.unknown_from if self.known and self.unknown_from else created
            yield Stretch(f"{id}@since-{known_from}", id, max(created, gap), known_from, state)
        elif created not in moments:
            yield Stretch(f"{id}@{created}", id, created, created, state)

    def _rolled_back(self, state: State) -> Iterator[tuple[Document, State]]:
        """Each event that changed something, newest first, with the state before it."""
        rest = sorted(self.events, key=lambda event: -event["created"])
        while rest:
            event = _last_of(rest, state)
            rest.remove(event)
            before = _before(state, event, self.warn)
            if before.status is None:
                before = replace(before, status=self._status_before(event, rest))
            if before != state:
                yield event, before
            state = before

    def _status_before(self, end: Document, events: Sequence[Document]) -> str:
        """The status just before an end: as the events before show it, newest first, or guessed."""
        for event in events:
            status = event["data"]["object"].get("status")
            if status and status not in ENDED:
                return str(status)
        if self.known and self.known.state.status and not any(map(_tells_status, events)):
            return self.known.state.status
        is_trial = (self.subscription.trial_end or 0) >= end["created"]
        return "trialing" if is_trial else "active"


def _tells_status(event: Document) -> bool:
    return "status" in _previous(event)


def _previous(event: Document) -> Mapping[str, Any]:
    return event["data"].get("previous_attributes") or {}


def _differing(one: State, other: State) -> set[str]:
    """The names of what differs between two states."""
    return {it.name for it in fields(State) if getattr(one, it.name) != getattr(other, it.name)}


def _last_of(events: Sequence[Document], state: State) -> Document:
    """The last of events, newest first: within one second order is not time.

    There it is an end, or the first one listed of which all that it replaced is otherwise now.
    """
    together = [event for event in events if event["created"] == events[0]["created"]]
    ends = [event for event in together if event["type"] == DELETED]
    fitting = [
        event
        for event in together
        if _differing(_before(state, event, _ignore), state) >= _replaced(event)
    ]
    return next(iter((*ends, *fitting, *together)))


def _replaced(event: Document) -> set[str]:
    """The names of what an event says was otherwise before."""
    previous = _previous(event)
    return {name for name, keys in KEYS.items() if any(key in previous for key in keys)}


def _ignore(message: str) -> None:
    """Say nothing."""


def _before(state: State, event: Document, warn: Callable[[str], None]) -> State:
    """The state before an event; without status where an end does not tell it."""
    previous = _previous(event)
    if "status" in previous:
        state = replace(state, status=previous["status"])
    elif event["type"] == DELETED:
        state = replace(state, status=None)
    if "pause_collection" in previous:
        paused = previous["pause_collection"]
        state = replace(state, pause=paused and paused.get("behavior", state.pause))
    if any(key in previous for key in KEYS["items"]):
        state = replace(state, items=tuple(_items(state, event, warn)))
    return state


def _items(state: State, event: Document, warn: Callable[[str], None]) -> Iterator[Item]:
    """The items before an event: all in `items`, or the only one in `plan` and `quantity`.

    What the event does not tell of an item is as it is after.
    """
    previous = _previous(event)
    items = previous.get("items") or {}
    listed = items.get("data")
    if listed is None and len(state.items) != 1:
        warn(f"{event['id']} says that items were otherwise before, not which")
        yield from state.items
        return
    after = {item.id: item for item in state.items}
    alone = {name: previous[name] for name in ("plan", "quantity") if name in previous}
    for position, told in enumerate([{}] if listed is None else listed):
        ids = [told.get("id"), *(item.id for item in state.items[position : position + 1])]
        id = next((found for found in ids if found), None)
        if id is None:
            warn(f"{event['id']} tells of an item that there was before without its id")
            continue
        kept = after.get(id, Item(id, None, None))
        it = {**alone, **told} if listed is None or len(listed) == 1 else told
        price = _price(it) or kept.price
        if price is None:
            warn(f"{event['id']} does not tell the price of {id} before")
        yield Item(id, price, it.get("quantity", kept.quantity))
        after.pop(id, None)
    if listed is not None and items.get("has_more", len(listed) == EMBEDDED < len(state.items)):
        yield from after.values()


def _price(item: Mapping[str, Any]) -> str | None:
    """The id of an item's price, which older versions of the API call its plan."""
    for name in ("price", "plan"):
        found = item.get(name)
        id = found.get("id") if isinstance(found, dict) else found
        if id is not None:
            return str(id)
    return None


def slim(event: Document) -> Document:
    """What of a subscription's event counts here: a month of them is kept in memory."""
    names = [key for keys in KEYS.values() for key in keys]
    previous = {key: value for key, value in _previous(event).items() if key in names}
    about = {"status": event["data"]["object"].get("status")}
    return {
        **{name: event[name] for name in ("id", "type", "created")},
        "data": {"object": about, "previous_attributes": previous},
    }


def seconds(moment: dt.datetime) -> int:
    """Seconds since 1970 of a moment that is UTC without zone."""
    return int(moment.replace(tzinfo=dt.UTC).timestamp())
