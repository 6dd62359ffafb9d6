"""One load of a source that is read over an API: its tables compared, guarded and handed to dlt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.contract.columns import Column
from ingestion.http import Place, understood
from ingestion.loading.delta import Delta
from ingestion.loading.exports import Export, exports_batch
from ingestion.loading.guards import ENOUGH, refuse_shrunk
from ingestion.loading.reports import ExtractContext, Extraction
from ingestion.loading.restated import Scope
from ingestion.loading.state import RawState
from ingestion.warehouse.duckdb_sql import workbench

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY = "1GB"
"""What the workbench may hold in memory; the rest waits on disk."""


@dataclass(frozen=True)
class Asked:
    """What was asked for of one table, for the record of the load; see Export."""

    fingerprint: str = ""
    read: object = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)


class ApiLoad:
    """What earlier loads of a source left, and what this one finds.

    A connector makes a table `<table> rows` of what it read, in `connection`, then has it compared.
    """

    def __init__(
        self,
        context: ExtractContext,
        place: Place,
        tables: Mapping[str, tuple[Column, ...]],
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self.context, self.place, self.tables, self.connection = context, place, tables, connection
        self.state = RawState(context.warehouse, context.dataset, place.source, tables)
        self.last = self.state.last_exports()
        self.warnings: list[str] = []
        self._deltas: dict[str, Delta] = {}
        self._asked: dict[str, Asked] = {}

    def say(self, message: str) -> None:
        """Show progress."""
        self.context.progress(f"{self.place.source}: {message}")

    def compare(
        self,
        table: str,
        asked: Asked,
        *,
        is_whole: bool,
        may_shrink: bool = False,
        key: str = "source_id",
        within: Scope | None = None,
    ) -> Delta:
        """Find what is new among `<table> rows`, which are all records when `is_whole`; see Delta.

        Raises SourceError where a whole list has lost many records, unless it `may_shrink`; where
        it is whole `within` a scope, so has each account.
        """
        last = self.last.get(table)
        delta = Delta(self.connection, self.state, table, last, is_whole, key, within)
        if last and is_whole and not may_shrink and not self.context.force:
            if within:
                for account, now, before in delta.shrunk_to():
                    if before >= ENOUGH:
                        what = (
                            f"{self.place}: {table} of account {account}, {within.told(account)},"
                        )
                        refuse_shrunk(f"{what} the list", "known records", now, before)
            else:
                what = f"{self.place}: {table}: the list"
                refuse_shrunk(what, "records", delta.listed(), last.rows)
        self._deltas[table], self._asked[table] = delta, asked
        return delta

    def extraction(self) -> Extraction:
        """What was compared; nothing to load where nothing is new and the same was asked for."""
        if self._is_as_before() and not any(delta.has_news for delta in self._deltas.values()):
            loads = tuple(last.unchanged() for last in self.last.values())
            return Extraction(loads, {}, tuple(self.warnings))
        loads = tuple(delta.report() for delta in self._deltas.values())
        return Extraction(loads, self._batches(), tuple(self.warnings))

    def _is_as_before(self) -> bool:
        return all(
            table in self.last and self.last[table].fingerprint == asked.fingerprint
            for table, asked in self._asked.items()
        )

    def _batches(self) -> dict[str, Iterable[pa.RecordBatch]]:
        return {
            **{table: it.batches() for table, it in self._deltas.items() if it.has_news},
            "rejected": (
                batch for delta in self._deltas.values() for batch in delta.rejected_batches()
            ),
            "exports": [exports_batch(self.tables["exports"], self.place.source, self._exports())],
        }

    def _exports(self) -> Sequence[Export]:
        return [
            Export(delta.report(), asked.fingerprint, asked.read, asked.more)
            for delta, asked in zip(self._deltas.values(), self._asked.values(), strict=True)
        ]


@contextmanager
def api_load(
    context: ExtractContext,
    place: Place,
    tables: Mapping[str, tuple[Column, ...]],
    read: Callable[[ApiLoad], None],
) -> Iterator[Extraction]:
    """Read an API and compare what it gave; the batches can be taken until the context is left.

    Raises SourceError: also MalformedAnswerError of what `read` stumbles over.
    """
    with workbench(context.folder / "intake", MEMORY) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        with context.warehouse.kept_open(), understood(place):
            load = ApiLoad(context, place, tables, connection)
            read(load)
            extraction = load.extraction()
        yield extraction
