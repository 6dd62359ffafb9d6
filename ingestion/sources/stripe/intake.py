"""Takes in Stripe's objects as records of raw tables, and notes whom and what they name."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.loading.intake import Intake
from ingestion.sources.stripe.lists import DISCOUNTS, StripeList
from ingestion.sources.stripe.members import Document, Row
from ingestion.sources.stripe.row_sql import RECORDS, members
from ingestion.sources.stripe.rows import Rows
from ingestion.sources.stripe.states import Subscription
from ingestion.sources.stripe.tables import OBJECTS

if TYPE_CHECKING:
    import duckdb


LIVE = ("active", "past_due")
"""What a subscription is whose prices are recurring revenue."""


class Taken:
    """What has come in of each table; several threads may add. Leaving it completes the tables.

    Of objects are taken the rows of events and of `tables`, those of the lists.
    `subscriptions` are those that came in, as they were last. `ids` are the good ones by table,
    and `named` the ids that rows have in columns of a name. `billed` has each customer's latest
    invoice, `strangers` the charges and `unnamed` the invoices of no customer, `taxed` the live
    subscriptions with tax in a price, `held` the first known states in which nothing is paid, or
    billed, `users` the path of a customer, a subscription or an item that uses each coupon.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        rows: Rows,
        lists: Iterable[StripeList],
        folder: Path,
    ) -> None:
        self._rows, self._lock = rows, threading.Lock()
        self._positions, self._readings = count(), count()
        self._stack = ExitStack()
        self._intakes = {
            table: Intake(connection.cursor(), table + RECORDS, members(table), folder)
            for table in OBJECTS
        }
        self.tables = {table for it in lists for table in (it.table, *it.parts)}
        self.subscriptions: dict[str, Subscription] = {}
        self.ids: defaultdict[str, set[str]] = defaultdict(set)
        self.named: defaultdict[str, set[str]] = defaultdict(set)
        self.billed: dict[str, Row] = {}
        self.strangers: set[str] = set()
        self.taxed: set[str] = set()
        self.held: set[str] = set()
        self.unnamed: set[str] = set()
        self.users: dict[str, str] = {}

    def __enter__(self) -> Taken:
        for table in self._intakes.values():
            self._stack.enter_context(table)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def objects(self, table: str, found: Iterable[Document]) -> None:
        """Take in objects of a table, with what they are made of."""
        for it in found:
            made = list(self._rows.of(table, it))
            with self._lock:
                reading = next(self._readings)
                for name, row in made:
                    if name == "events" or name in self.tables:
                        self.row(name, row, reading)
                if table == "subscriptions":
                    self.subscriptions[it["id"]] = Subscription.of(it)
                    self._tell_apart(made[0][1])
                if table == "charges" and it["status"] == "succeeded" and not it.get("customer"):
                    self.strangers.add(it["id"])
                if table == "invoices" and it["status"] != "draft" and not it.get("customer"):
                    self.unnamed.add(it["id"])

    def _tell_apart(self, row: Row) -> None:
        is_taxed = row.get("includes_tax") and row["status"] in LIVE
        (self.taxed.add if is_taxed else self.taxed.discard)(row["source_id"])

    def without(self, table: str, id: str) -> None:
        """An object turns out to be deleted, though it may have come in before."""
        with self._lock:
            self.ids[table].discard(id)
            if table == "subscriptions":
                self.subscriptions.pop(id, None)
                self.taxed.discard(id)

    def row(self, table: str, row: Row, reading: int | None = None) -> None:
        """Take in a row of a table, made of an object in a reading of it, if of one."""
        self._intakes[table].add([{"position": next(self._positions), "reading": reading, **row}])
        if "reason" not in row:
            self.ids[table].add(row["source_id"])
        for name in ("customer", "coupon"):
            if named := row.get(name):
                self.named[name].add(named)
        if table in DISCOUNTS:
            self.users[row["coupon"]] = _user(row)
        if table == "invoices" and (customer := row.get("customer")):
            known = self.billed.setdefault(customer, row)
            if row["created"] > known["created"]:
                self.billed[customer] = row


def _user(discount: Row) -> str:
    """The path of who has a discount."""
    if item := discount.get("subscription_item"):
        return f"/v1/subscription_items/{item}"
    if subscription := discount.get("subscription"):
        return f"/v1/subscriptions/{subscription}"
    return f"/v1/customers/{discount['customer']}"
