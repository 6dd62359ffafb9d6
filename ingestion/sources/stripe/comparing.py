"""Compares what came in with raw: rows, what is deleted, and what objects are no longer made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Set

from ingestion.loading.api_load import ApiLoad
from ingestion.loading.rows import row_hash
from ingestion.sources.stripe.history import ITEMS, STATES
from ingestion.sources.stripe.intake import Taken
from ingestion.sources.stripe.lists import StripeList
from ingestion.sources.stripe.plan import Plan
from ingestion.sources.stripe.row_sql import rows_of
from ingestion.sources.stripe.tables import OBJECTS, TABLES
from ingestion.warehouse.duckdb_sql import literal, quote, register

MAY_SHRINK = frozenset({"coupons", "invoice_items"})
"""Short lists, and what passes: half of them may be gone."""


class Comparison:
    """What is new among what a load took in.

    `gone` are ids by table of what is deleted, `ended` the moments of discounts' ends, as events
    tell them.
    """

    def __init__(
        self,
        load: ApiLoad,
        plan: Plan,
        taken: Taken,
        gone: Mapping[str, Set[str]],
        ended: Mapping[str, int],
        until: dt.datetime,
    ) -> None:
        self._load, self._plan, self._taken = load, plan, taken
        self._gone, self._ended, self._until = gone, ended, until

    def run(self, lists: Iterable[StripeList]) -> None:
        """Compare all tables of lists, and those that events make."""
        read = {"events"}
        self._compare("events", is_whole=False)
        for it in lists:
            read |= {it.table, *it.parts}
            is_whole = self._plan.is_whole or it.is_passing
            self._compare(it.table, is_whole, self._gone.get(it.table, ()))
            for table, column in it.parts.items():
                if table == "discounts":
                    self._compare_discounts()
                else:
                    gone = () if is_whole else self._parts_gone(it.table, table, column)
                    self._compare(table, is_whole, gone)
        if "subscriptions" in read:
            read |= {STATES, ITEMS}
            self._compare(STATES, is_whole=False)
            self._compare(ITEMS, False, self._parts_gone(STATES, ITEMS, "state"))
        for table in OBJECTS.keys() - read:
            if self._plan.is_whole and table in self._load.last:
                self._compare(table, is_whole=True, may_shrink=True)

    def _compare(
        self, table: str, is_whole: bool, gone: Iterable[str] = (), may_shrink: bool = False
    ) -> None:
        """Make rows of what came in, and of what is gone as it was; find what is new."""
        self._make(table)
        if ids := sorted(gone):
            self._add(table, ids, "true as is_deleted, ~row_hash as row_hash")
        self._tell(table, is_whole, may_shrink or table in MAY_SHRINK)

    def _compare_discounts(self) -> None:
        """The same of discounts: those that subscriptions have no more are not deleted, they end.

        Their end is when an event says that it was, or this load, which misses them.
        """
        table = "discounts"
        self._make(table)
        subscriptions = None if self._plan.is_whole else sorted(self._taken.ids["subscriptions"])
        if table in self._load.last:
            known = self._load.state.latest(table, subscriptions, "subscription")
            gone = sorted(set(known["source_id"].to_pylist()) - self._taken.ids[table])
            ended = self._moments(gone)
            hashed = row_hash(TABLES[table])
            self._add(table, gone, f"least(ends_at, {ended}) as ends_at", f"{hashed} as row_hash")
        self._tell(table, is_whole=False, may_shrink=False)

    def _moments(self, discounts: Iterable[str]) -> str:
        """SQL of when each of some discounts was removed."""
        told = {id: self._ended[id] for id in discounts if id in self._ended}
        cases = "".join(
            f" when {literal(id)} then make_timestamp({moment * 1_000_000}::BIGINT)"
            for id, moment in told.items()
        )
        now = f"{literal(self._until.isoformat())}::TIMESTAMP"
        return f"case source_id{cases} else {now} end" if cases else now

    def _make(self, table: str) -> None:
        rows = rows_of(table, self._load.place.source)
        self._load.connection.execute(f"create table {quote(f'{table} rows')} as {rows}")

    def _add(self, table: str, ids: list[str], *changes: str) -> None:
        """Add the last versions of live records to the rows, with columns changed by SQL."""
        if not ids:
            return
        rows = "select * from before where is_deleted is not true"
        for change in changes:
            rows = f"select * replace ({change}) from ({rows})"
        with register(self._load.connection, "before", self._load.state.latest_rows(table, ids)):
            self._load.connection.execute(
                f"insert into {quote(f'{table} rows')} by name select *, null::VARCHAR as reason, "
                f"null::VARCHAR as record from ({rows})"
            )

    def _tell(self, table: str, is_whole: bool, may_shrink: bool) -> None:
        asked = self._plan.asked(self._until)
        self._load.compare(table, asked, is_whole=is_whole, may_shrink=may_shrink)

    def _parts_gone(self, parent: str, table: str, column: str) -> list[str]:
        """What objects that were read, or are gone, are no longer made of."""
        if table not in self._load.last:
            return []
        parents = sorted(self._taken.ids[parent] | self._gone.get(parent, set()))
        known = self._load.state.latest(table, parents, column)["source_id"].to_pylist()
        return sorted(set(known) - self._taken.ids[table])
