"""Compares what came in with raw: rows, what is deleted, and what objects are no longer made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Set

from ingestion.loading.api_load import ApiLoad
from ingestion.loading.rows import row_hash
from ingestion.sources.stripe.history import ITEMS, STATES
from ingestion.sources.stripe.intake import Taken
from ingestion.sources.stripe.lists import DISCOUNTS, StripeList
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
            self._compare_objects(it, is_whole)
            for table, column in it.parts.items():
                self._compare_parts(it, table, column, is_whole)
        if "subscriptions" in read:
            read |= {STATES, ITEMS}
            self._compare(STATES, is_whole=False)
            self._make(ITEMS)
            self._bury(ITEMS, self._missing(ITEMS, "state", self._taken.ids[STATES]))
            self._tell(ITEMS, is_whole=False)
        for table in OBJECTS.keys() - read:
            if self._plan.is_whole and table in self._load.last:
                self._compare(table, is_whole=True, may_shrink=True)

    def _compare(self, table: str, is_whole: bool, may_shrink: bool = False) -> None:
        self._make(table)
        self._tell(table, is_whole, may_shrink)

    def _compare_objects(self, listed: StripeList, is_whole: bool) -> None:
        """Those that are gone are as they were last, and deleted."""
        table, gone = listed.table, sorted(self._gone[listed.table])
        self._make(table)
        self._drop(table, "source_id", gone)
        if not is_whole:
            self._bury(table, gone)
        self._tell(table, is_whole, may_shrink=table in MAY_SHRINK)

    def _compare_parts(self, of: StripeList, table: str, column: str, is_whole: bool) -> None:
        """What objects that were read, or are gone, are no longer made of is deleted.

        Discounts that somebody has no more are not: they end when an event says that they
        did, or with this load, which misses them.
        """
        gone = self._gone[of.table]
        self._make(table, of.table)
        self._drop(table, column, sorted(gone))
        if table in DISCOUNTS:
            read = None if is_whole else self._taken.ids[of.table]
            self._end(table, self._missing(table, column, read))
            self._tell(table, is_whole=False)
            return
        if not is_whole:
            self._bury(table, self._missing(table, column, self._taken.ids[of.table] | gone))
        self._tell(table, is_whole)

    def _make(self, table: str, parts_of: str | None = None) -> None:
        """Make rows of what came in."""
        rows = rows_of(table, self._load.place.source, parts_of)
        self._load.connection.execute(f"create table {quote(f'{table} rows')} as {rows}")

    def _drop(self, table: str, column: str, ids: list[str]) -> None:
        """Take what was read before it went out of the rows."""
        if ids:
            self._load.connection.execute(
                f"delete from {quote(f'{table} rows')} "
                f"where not is_deleted and list_contains(?, {column})",
                [ids],
            )

    def _missing(self, table: str, column: str, parents: Set[str] | None) -> list[str]:
        """Ids of what earlier loads have of some parents, or of all, that no row is of."""
        if table not in self._load.last:
            return []
        among = None if parents is None else sorted(parents)
        known = self._load.state.latest(table, among, column)["source_id"].to_pylist()
        rows = f"select source_id from {quote(f'{table} rows')}"
        found = {id for (id,) in self._load.connection.execute(rows).fetchall()}
        return sorted(set(known) - found)

    def _bury(self, table: str, ids: list[str]) -> None:
        self._add(table, ids, "true as is_deleted, ~row_hash as row_hash")

    def _end(self, table: str, ids: list[str]) -> None:
        """Add discounts once more, with the moment of their end."""
        told = "".join(
            f" when {literal(id)} then make_timestamp({self._ended[id] * 1_000_000}::BIGINT)"
            for id in ids
            if id in self._ended
        )
        now = f"{literal(self._until.isoformat())}::TIMESTAMP"
        ended = f"case source_id{told} else {now} end" if told else now
        hashed = f"{row_hash(TABLES[table])} as row_hash"
        self._add(table, ids, f"least(ends_at, {ended}) as ends_at", hashed)

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

    def _tell(self, table: str, is_whole: bool, may_shrink: bool = False) -> None:
        asked = self._plan.asked(self._until)
        self._load.compare(table, asked, is_whole=is_whole, may_shrink=may_shrink)
