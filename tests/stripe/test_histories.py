"""Subscriptions to which much happens: their stretches are what was written down as it happened."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from decimal import Decimal

import documents as d
import pytest
from books import Script

from tests.thorough import thorough

PRICES = {
    "month": (d.price("price_month", 1_050), Decimal("10.5")),
    "year": (d.price("price_year", 100_000, interval="year"), Decimal(1_000) / 12),
    "week": (d.price("price_week", 300, interval="week"), Decimal(3) * 52 / 12),
    "day": (d.price("price_day", 50, interval="day"), Decimal("0.5") * 365 / 12),
}
"""Prices, and what one unit of each comes to in a month."""
COUPON = d.coupon("quarter", percent_off=25.0)
COUNTED = ("active", "past_due", "canceled")
NOTHING = Decimal("0.0001")
"""Six decimals, rounded item by item, come to less than this."""


@dataclass
class History:
    """`sub_1` as it goes on, and what it was from each moment on: its status and revenue."""

    script: Script
    chance: random.Random
    items: dict[str, tuple[str, int]] = field(default_factory=dict)
    status: str = "active"
    is_paused: bool = False
    is_discounted: bool = False
    discounts: int = 0
    was: list[tuple[dt.datetime, str, Decimal]] = field(default_factory=list)

    def begin(self) -> None:
        """The subscription is made."""
        stripe = self.script.stripe
        stripe.create(d.customer("cus_1"), *(of for of, _ in PRICES.values()), COUPON)
        self.items = {"si_0": ("month", 2)}
        stripe.create(d.subscription("sub_1", "cus_1", self._documents(), start_date=stripe.now))
        self._note()

    def go_on(self) -> None:
        """Some hours later something happens."""
        stripe = self.script.stripe
        stripe.now += self.chance.randrange(600, 6 * 86_400)
        self.chance.choice(
            [self._change_quantity, self._change_price, self._change_items, self._pause,
             self._fall_due, self._discount]
        )()  # fmt: skip
        self._note()

    def end(self) -> None:
        """It ends at once."""
        stripe = self.script.stripe
        stripe.now += 86_400
        self.status = "canceled"
        stripe.update(
            "sub_1", "deleted", status="canceled", ended_at=stripe.now, canceled_at=stripe.now
        )

    def _change_quantity(self) -> None:
        id = self.chance.choice(list(self.items))
        self.items[id] = self.items[id][0], self.chance.randint(1, 6)
        self._tell_items()

    def _change_price(self) -> None:
        id = self.chance.choice(list(self.items))
        self.items[id] = self.chance.choice(list(PRICES)), self.items[id][1]
        self._tell_items()

    def _change_items(self) -> None:
        if len(self.items) > 1 and self.chance.random() < 0.5:
            del self.items[self.chance.choice(list(self.items))]
        else:
            self.items[f"si_{len(self.was)}"] = self.chance.choice(list(PRICES)), 1
        self._tell_items()

    def _pause(self) -> None:
        self.is_paused = not self.is_paused
        paused = {"behavior": "void", "resumes_at": None} if self.is_paused else None
        self.script.stripe.update("sub_1", pause_collection=paused)

    def _fall_due(self) -> None:
        self.status = self.chance.choice(["active", "past_due", "unpaid"])
        self.script.stripe.update("sub_1", status=self.status)

    def _discount(self) -> None:
        stripe = self.script.stripe
        it = stripe.found("sub_1")
        if self.is_discounted:
            [gone] = it["discounts"]
            stripe.tell("customer.discount.deleted", gone)
            stripe.update("sub_1", discounts=[])
        else:
            self.discounts += 1
            start = self.script.as_of.isoformat()
            given = d.discount(f"di_{self.discounts}", COUPON, "sub_1", start)
            stripe.tell("customer.discount.created", given)
            stripe.update("sub_1", discounts=[given])
        self.is_discounted = not self.is_discounted

    def _tell_items(self) -> None:
        stripe = self.script.stripe
        held = [{**it, "subscription": "sub_1"} for it in self._documents()]
        stripe.update("sub_1", items={**stripe.found("sub_1")["items"], "data": held})

    def _documents(self) -> list[d.Document]:
        return [d.item(id, PRICES[of][0], n) for id, (of, n) in self.items.items()]

    def _note(self) -> None:
        mrr = sum((PRICES[of][1] * n for of, n in self.items.values()), Decimal())
        if self.is_discounted:
            mrr *= Decimal("0.75")
        status = self.status
        if self.is_paused and status in COUNTED:
            status = "paused"
        self.was.append((self.script.as_of, status, mrr))


def _merged(
    was: list[tuple[dt.datetime, str, Decimal]],
) -> list[tuple[dt.datetime, str, Decimal]]:
    """Neighbours that are alike are one; what does not count has no revenue."""
    merged: list[tuple[dt.datetime, str, Decimal]] = []
    for at, status, mrr in was:
        told, counted = (status, mrr) if status in COUNTED else ("does not count", Decimal())
        if merged and merged[-1][1] == told and abs(merged[-1][2] - counted) < NOTHING:
            continue
        merged.append((at, told, counted))
    return merged


SEEDS = [0, 1, 2, *(pytest.param(seed, marks=thorough) for seed in range(3, 12))]


@pytest.mark.parametrize("seed", SEEDS)
def test_stretches_are_what_was_written_down(script: Script, seed: int) -> None:
    chance = random.Random(seed)
    history = History(script, chance)
    history.begin()
    script.stripe.now += 3_600
    script.sync()
    loaded = script.stripe.now
    for _ in range(30):
        history.go_on()
        if script.stripe.now - loaded > 20 * 86_400:
            script.sync()
            loaded = script.stripe.now
    script.sync()
    found = [
        (dt.datetime.fromisoformat(began_at), status, mrr)
        for began_at, _, status, mrr in script.stretches("sub_1")
    ]
    found, expected = _merged(found), _merged(history.was)
    assert [it[:2] for it in found] == [it[:2] for it in expected]
    differences = [abs(it[2] - was[2]) for it, was in zip(found, expected, strict=True)]
    assert max(differences) < NOTHING
    history.end()
    script.sync()
    [*_, (_, ended_at, status, _)] = script.stretches("sub_1")
    assert ended_at is not None
    assert dt.datetime.fromisoformat(ended_at) == script.as_of
    # What did not count before it ended has not counted since.
    assert (status == "canceled") == (history.was[-1][1] in COUNTED)
