"""What subscriptions were, by the events of a load and what earlier loads know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ingestion.loading.api_load import ApiLoad
from ingestion.sources.stripe.intake import Taken
from ingestion.sources.stripe.members import Document
from ingestion.sources.stripe.plan import Plan
from ingestion.sources.stripe.states import (
    Item,
    Known,
    Past,
    State,
    Stretch,
    Subscription,
    seconds,
    slim,
)

STATES, ITEMS = "subscription_states", "subscription_state_items"
SHOWN = 3


class History:
    """Collects events of subscriptions and discounts; then makes states of subscriptions.

    `ended` says when discounts were removed, by id; `shown` has what each was, where an event shows
    it, and `untold` those of which nothing tells it.
    """

    def __init__(self, load: ApiLoad, plan: Plan) -> None:
        self._load, self._plan = load, plan
        self._events: defaultdict[str, list[tuple[int, Document]]] = defaultdict(list)
        self._doubts: dict[str, None] = {}
        self.ended: dict[str, int] = {}
        self.shown: dict[str, Document] = {}
        self.untold: set[str] = set()

    def add(self, event: Document, reading: int) -> None:
        """Take an event: those of one reading come newest first, later ones are newer."""
        about = event["data"]["object"]
        if about["object"] == "subscription":
            self._events[about["id"]].append((-reading, slim(event)))
            previous = event["data"].get("previous_attributes") or {}
            kept = _discounts_of(about)
            for id, shown in _discounts_of(previous).items():
                if id in kept:
                    continue
                self.ended.setdefault(id, event["created"])
                if shown:
                    self.shown.setdefault(id, {"subscription": about["id"], **shown})
        elif about["object"] == "discount":
            self.shown[about["id"]] = about
            if event["type"] == "customer.discount.deleted":
                self.ended[about["id"]] = event["created"]

    def tell(self, taken: Taken) -> None:
        """Take in the states of all subscriptions that came in."""
        known = self._known(taken.subscriptions)
        for subscription in list(taken.subscriptions.values()):
            for stretch in self._past(subscription, known[subscription.id]).stretches():
                _take(taken, stretch)
                if "@since-" in stretch.id and _is_held(stretch.state):
                    taken.held.add(stretch.id)
        if self._doubts:
            told = "; ".join(list(self._doubts)[:SHOWN])
            self._load.warnings.append(
                f"subscriptions: {len(self._doubts):,} events do not tell what was before, so it "
                f"is taken to have been as it was after: {told}"
            )

    def _past(self, subscription: Subscription, known: list[Known]) -> Past:
        found = sorted(self._events[subscription.id], key=lambda it: it[0])
        events = [event for _, event in found]
        first = min((event["created"] for event in events), default=None)
        before = [it for it in known if first is None or it.began_at < first]
        gap = seconds(self._plan.gap_from) if self._plan.gap_from else None
        is_over = gap is not None and (subscription.ended_at or gap + 1) <= gap
        return Past(
            subscription,
            events,
            seconds(self._plan.since),
            max(before, key=lambda it: it.began_at, default=None),
            None if is_over else gap,
            lambda doubt: self._doubts.setdefault(doubt),
        )

    def _known(self, subscriptions: Iterable[str]) -> defaultdict[str, list[Known]]:
        """The states that earlier loads have of subscriptions."""
        found: defaultdict[str, list[Known]] = defaultdict(list)
        if STATES not in self._load.last:
            return found
        ids = self._ids(STATES, "subscription", list(subscriptions))
        items: defaultdict[str, list[Item]] = defaultdict(list)
        for row in self._rows(ITEMS, self._ids(ITEMS, "state", ids)):
            items[row["state"]].append(Item(row["item"], row["price"], row["quantity"]))
        for row in self._rows(STATES, ids):
            id = row["source_id"]
            state = State(row["status"], row["pause_behavior"], tuple(items[id]))
            moments = seconds(row["began_at"]), seconds(row["known_from"])
            found[row["subscription"]].append(Known(id, *moments, state))
        return found

    def _ids(self, table: str, key: str, values: list[str]) -> list[str]:
        found: list[str] = self._load.state.latest(table, values, key)["source_id"].to_pylist()
        return found

    def _rows(self, table: str, ids: list[str]) -> list[dict[str, Any]]:
        rows = self._load.state.latest_rows(table, ids).to_pylist()
        return [row for row in rows if not row["is_deleted"]]


def _is_held(state: State) -> bool:
    return state.status == "unpaid" or state.pause in ("void", "mark_uncollectible")


def _take(taken: Taken, stretch: Stretch) -> None:
    taken.row(
        STATES,
        {
            "source_id": stretch.id,
            "subscription": stretch.subscription,
            "began_at": stretch.began_at,
            "known_from": stretch.known_from,
            "status": stretch.state.status,
            "pause_behavior": stretch.state.pause,
        },
    )
    for item in stretch.state.items:
        quantity = None if item.quantity is None else str(item.quantity)
        row = {
            "source_id": f"{stretch.id}/{item.id}",
            "state": stretch.id,
            "subscription": stretch.subscription,
            "item": item.id,
            "price": item.price,
            "quantity": quantity,
        }
        taken.row(ITEMS, row)


def _discounts_of(told: Document) -> dict[str, Document]:
    """The discounts of a subscription and its items by id, with what is shown of them.

    Older versions of the API have one, and show it; newer ones name several.
    """
    items = (told.get("items") or {}).get("data") or ()
    holders = (told, *items)
    found = [it for holder in holders for it in (holder.get("discounts") or ())]
    found += [holder["discount"] for holder in holders if holder.get("discount")]
    return {
        (it["id"] if isinstance(it, dict) else it): it if isinstance(it, dict) else {}
        for it in found
    }
