"""Lives of subscriptions by chance: what Stripe would have served at each moment, and what it left.

A life is the object at every moment at which it changed.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from mrr_oracle import DIGITS

NOW = dt.datetime(2026, 6, 15, 12)
EVENTS_FROM = NOW - dt.timedelta(days=30)
FOREVER = dt.datetime(9999, 1, 1)
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
PRODUCTS = ("prod_a", "prod_b", "prod_c")

Rows = dict[str, list[dict[str, Any]]]


def catalogue(draw: Random, cycle: tuple[str, int], currency: str) -> list[dict[str, Any]]:
    """Prices of one billing cycle."""
    prices = []
    for number in range(6):
        price: dict[str, Any] = {
            "id": f"price_{cycle[0]}_{cycle[1]}_{currency}_{number}",
            "product": draw.choice(PRODUCTS),
            "currency": currency,
            "billing_scheme": "per_unit",
            "tiers_mode": None,
            "tiers": None,
            "unit_amount_decimal": draw.choice(
                [str(draw.randint(0, 90000)), f"{draw.randint(1, 999)}.{draw.randint(1, 99):02}"]
            ),
            "transform_quantity": None,
            "recurring": {
                "interval": cycle[0], "interval_count": cycle[1], "usage_type": "licensed"
            },
        }  # fmt: skip
        kind = draw.randint(0, 5)
        if kind == 1:
            price["transform_quantity"] = {
                "divide_by": draw.randint(2, 12), "round": draw.choice(["up", "down"])
            }  # fmt: skip
        elif kind in (2, 3):
            price |= {
                "billing_scheme": "tiered",
                "tiers_mode": "graduated" if kind == 2 else "volume",
                "unit_amount_decimal": None,
                "tiers": list(_tiers(draw)),
            }
        elif kind == 4:
            price["recurring"]["usage_type"] = "metered"
        elif kind == 5 and currency != "usd":
            price |= {
                "currency": "usd",
                "unit_amount_decimal": "1",
                "currency_options": {
                    currency: {"unit_amount_decimal": str(draw.randint(1, 90000))}
                },
            }
        prices.append(price)
    return prices


def _tiers(draw: Random) -> Iterator[dict[str, Any]]:
    up_to = 0
    for last in [False] * draw.randint(0, 3) + [True]:
        up_to += draw.randint(1, 8)
        yield {
            "up_to": None if last else up_to,
            "unit_amount_decimal": draw.choice(
                [None, str(draw.randint(0, 5000)), f"0.{draw.randint(1, 99):02}"]
            ),
            "flat_amount_decimal": draw.choice([None, str(draw.randint(0, 9000))]),
        }


@dataclass
class Life:
    """One subscription, lived through."""

    name: str
    draw: Random
    began_at: dt.datetime
    prices: list[dict[str, Any]]
    versions: list[tuple[dt.datetime, dict[str, Any]]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    discounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = 0

    @property
    def now(self) -> dict[str, Any]:
        """The object as it is at the end of its life."""
        return self.versions[-1][1]

    def at(self, moment: dt.datetime) -> dict[str, Any]:
        """The object as it was at a moment of its life."""
        return [it for since, it in self.versions if since <= moment][-1]

    def live(self) -> None:
        """All of it."""
        draw = self.draw
        currency = self.name.split("_")[1]
        recurring = self.prices[0]["recurring"]
        length = dt.timedelta(days=DAYS[recurring["interval"]] * recurring["interval_count"])
        trial = dt.timedelta(days=draw.randint(3, 30)) if draw.random() < 0.3 else None
        subscription: dict[str, Any] = {
            "id": self.name,
            "object": "subscription",
            "currency": currency,
            "status": "trialing" if trial else "active",
            "trial_start": self.began_at if trial else None,
            "trial_end": self.began_at + trial if trial else None,
            "pause_collection": None,
            "ended_at": None,
            "items": {"data": [self._item() for _ in range(draw.randint(1, 3))]},
            "discounts": [],
        }
        self.versions.append((self.began_at, subscription))
        period = self.began_at, self.began_at + (trial or length)
        self._bill(*period)
        recently = max(self.began_at, EVENTS_FROM)
        happens = sorted(
            since + dt.timedelta(seconds=draw.randint(1, int((NOW - since).total_seconds())))
            for since in draw.choices([self.began_at, recently], [2, 1], k=draw.randint(0, 9))
        )
        while True:
            moment = happens.pop(0) if happens else FOREVER
            while period[1] <= min(moment, NOW):
                if self.now["status"] == "trialing":
                    self._change(period[1], {"status": "active"})
                period = period[1], period[1] + length
                self._bill(*period)
            if moment > NOW or self.now["ended_at"]:
                return
            if self._happen(moment, period[1]) and draw.random() < 0.3:
                back = moment + dt.timedelta(hours=draw.randint(1, 20))
                if back < min(happens[0] if happens else NOW, period[1]):
                    self._items_as(back, self.versions[-2][1]["items"]["data"], period[1])

    def _happen(self, moment: dt.datetime, period_end: dt.datetime) -> bool:
        """One of the things that happen; whether the items have changed."""
        draw = self.draw
        items = copy.deepcopy(self.now["items"]["data"])
        one = draw.choice(items)
        what = draw.choice(
            ["quantity", "price", "more", "less", "discount", "no discount", "status", "pause",
             "end", "quantity", "price"]
        )  # fmt: skip
        if what == "quantity":
            one["quantity"] = draw.randint(0, 20)
        elif what == "price":
            one["price"] = draw.choice(self.prices)
        elif what == "more":
            items.append(self._item())
        elif what == "less" and len(items) > 1:
            items.remove(one)
        elif what == "end":
            self._change(moment, {"status": "canceled", "ended_at": moment})
            return False
        elif what in ("discount", "no discount"):
            self._discount(moment, what == "discount", items, one)
            return False
        elif self.now["status"] == "trialing" or moment < EVENTS_FROM:
            return False
        elif what == "status":
            self._change(moment, {"status": draw.choice(["active", "past_due", "unpaid"])})
            return False
        elif what == "pause":
            behavior = draw.choice(["void", "mark_uncollectible", "keep_as_draft", None])
            pause = {"behavior": behavior} if behavior else None
            self._change(moment, {"pause_collection": pause})
            return False
        self._items_as(moment, items, period_end)
        return True

    def _discount(
        self, moment: dt.datetime, is_given: bool, items: list[dict[str, Any]], one: dict[str, Any]
    ) -> None:
        draw = self.draw
        place = one["discounts"] if draw.random() < 0.4 else (own := [*self.now["discounts"]])
        of_item = place is one["discounts"]
        if is_given:
            coupon = self._coupon(self.now["currency"])
            given = {
                "id": f"di_{self.name}_{self._next():04}",
                "source": {"type": "coupon", "coupon": coupon},
                "start": moment,
                "end": None,
                "subscription": None if of_item else self.name,
                "subscription_item": one["id"] if of_item else None,
            }
            self.discounts[given["id"]] = given
            place.append(given)
        elif place:
            taken = place.pop(draw.randrange(len(place)))
            self.discounts[taken["id"]]["end"] = moment
        changed: dict[str, Any] = {"items": {"data": items}}
        self._change(moment, changed if of_item else {"discounts": own})

    def _coupon(self, currency: str) -> dict[str, Any]:
        draw = self.draw
        is_percent = draw.random() < 0.6
        return {
            "id": f"coupon_{self.name}_{self._next()}",
            "percent_off": draw.choice([10, 33.33, 100, 50, 12.5]) if is_percent else None,
            "amount_off": None if is_percent else draw.randint(1, 30000),
            "currency": None if is_percent else currency,
            "duration": draw.choice(["forever", "forever", "forever", "once", "repeating"]),
            "applies_to": {"products": draw.sample(PRODUCTS, 2)} if draw.random() < 0.3 else None,
        }

    def _item(self) -> dict[str, Any]:
        return {
            "id": f"si_{self.name}_{self._next():04}",
            "price": self.draw.choice(self.prices),
            "quantity": self.draw.randint(0, 20),
            "discounts": [],
        }

    def _next(self) -> int:
        self.made += 1
        return self.made

    def _change(self, moment: dt.datetime, changed: dict[str, Any]) -> None:
        self.versions.append((moment, {**copy.deepcopy(self.now), **changed}))

    def _items_as(
        self, moment: dt.datetime, items: list[dict[str, Any]], period_end: dt.datetime
    ) -> None:
        """Change the items, and settle the rest of the period."""
        before = {it["id"]: it for it in self.now["items"]["data"]}
        after = {it["id"]: it for it in items}
        for name in before.keys() | after.keys():
            was, is_ = before.get(name), after.get(name)
            if was and is_ and _billed_as(was) == _billed_as(is_):
                continue
            if was:
                self._line(was, moment, period_end, is_proration=True, is_credit=True)
            if is_:
                self._line(is_, moment, period_end, is_proration=True, is_credit=False)
        self._change(moment, {"items": {"data": copy.deepcopy(items)}})

    def _bill(self, start: dt.datetime, end: dt.datetime) -> None:
        for item in self.now["items"]["data"]:
            self._line(item, start, end, is_proration=False, is_credit=False)

    def _line(
        self,
        item: dict[str, Any],
        start: dt.datetime,
        end: dt.datetime,
        *,
        is_proration: bool,
        is_credit: bool,
    ) -> None:
        price, currency = item["price"], self.now["currency"]
        unit = price.get("currency_options", {}).get(currency, price)["unit_amount_decimal"]
        self.lines.append(
            {
                "source_id": f"il_{self.name}_{self._next():05}",
                "subscription": self.name,
                "subscription_item": item["id"],
                "price": price["id"],
                "product": price["product"],
                "quantity": item["quantity"],
                "amount": -1 if is_credit else 1,
                "currency": currency.upper(),
                "unit_amount": major(unit, currency),
                "period_start": start,
                "period_end": end,
                "is_proration": is_proration,
                "is_credit": is_credit,
            }
        )


def _billed_as(item: dict[str, Any]) -> tuple[str, int]:
    return item["price"]["id"], item["quantity"]


def major(minor: str | int | None, currency: str) -> Decimal | None:
    """An amount in units of its currency."""
    return None if minor is None else Decimal(minor).scaleb(-DIGITS[currency])


def lives(seed: int, number: int) -> list[Life]:
    """Some lives, of several currencies and billing cycles."""
    draw = Random(seed)
    cycles = [("month", 1), ("year", 1), ("month", 3), ("week", 1), ("day", 10), ("year", 2)]
    priced = {
        (cycle, currency): catalogue(draw, cycle, currency)
        for cycle in cycles
        for currency in ("usd", "eur", "jpy", "kwd")
    }
    made = []
    for position in range(number):
        cycle, currency = draw.choice(cycles), draw.choice(["usd", "eur", "jpy", "kwd"])
        began_at = NOW - dt.timedelta(seconds=draw.randint(60, 1000 * 86400))
        life = Life(f"sub_{currency}_{position:05}", draw, began_at, priced[cycle, currency])
        life.live()
        made.append(life)
    return made
