"""One entity's share of a load, from mapped rows to the batches that are appended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ingestion.contract.columns import Entity
from ingestion.contract.raw_columns import RECORD_COLUMNS, REJECTED_COLUMNS
from ingestion.loading.reports import TableLoad
from ingestion.loading.state import LastExport, RawState
from ingestion.loading.versions import BATCH_ROWS, Versions
from ingestion.rejections import Rule, by_rule, samples_of
from ingestion.sources.files.checking import (
    record_rejected,
    reject_repeats,
    reject_unknown_stages,
)
from ingestion.sources.files.formats.layout import lines_of
from ingestion.sources.files.hidden import FILE_ROW, POSITION, REASON
from ingestion.sources.files.mapping.identity import row_hash
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.overlaps import NO_OVERLAP, Overlap, number_occurrences, take_newest
from ingestion.sources.files.reading import Part, Table
from ingestion.warehouse.duckdb_sql import literal, one_row, quote, register

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MAX_GONE, MIN_GONE = 0.02, 20
"""Where more than this share of the records, and more than so many, are gone at once, it is told.

It is what an export lacks that was cut off near its end: too little to be refused.
"""


@dataclass
class EntityLoad:
    """An entity mapped to table `mapped` from `rowset`, which was read from `tables`.

    To be checked, then compared with earlier loads; then its batches can be taken. `is_numbered`:
    rows of one key, or of the same values, are told apart by their occurrence. `rows_before`
    counts the records that were there before, deleted ones left out; `rows_gone` those of them that
    the export lacks. They are deleted unless lines of it cannot be read: it may be any of these.
    """

    connection: duckdb.DuckDBPyConnection
    instance: str
    entity: Entity
    has_ids: bool
    is_numbered: bool
    mapped: str
    rowset: RowSet
    tables: tuple[Table, ...]
    rows: int = 0
    rows_before: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_gone: int = 0
    rows_deleted: int = 0
    rows_rejected: int = 0
    rows_read: int | None = 0
    has_rejected_otherwise: bool = False
    is_part: bool = False
    overlap: Overlap = NO_OVERLAP

    def check(self, stages: EntityLoad | None) -> None:
        """Take one row of what several files have; reject repeated ids, and unknown stages.

        Known stages are those of the mapped `stages`.
        """
        firsts = self._name("firsts")
        self.rows_read = self._count_read()
        if stages:
            reject_unknown_stages(self.connection, self.mapped, stages.mapped)
        has_key = not self.has_ids and bool(self.entity.key)
        if self.is_numbered:
            order = FILE_ROW if has_key else "row_hash"
            number_occurrences(self.connection, self.mapped, self._parts, order)
        self.overlap = take_newest(
            self.connection, self.mapped, self._parts, self._name("restated")
        )
        key = self.entity.key if has_key else ("source_id",)
        reject_repeats(self.connection, self.mapped, key, firsts)
        record_rejected(
            self.connection, self.mapped, firsts, self.rowset, self.tables, self._name("rejected")
        )
        (self.rows,) = one_row(
            self.connection, f"select count(*) from {quote(self.mapped)} where {REASON} is null"
        )
        (self.rows_rejected,) = one_row(
            self.connection, f"select count(*) from {quote(self._name('rejected'))}"
        )

    def compare(self, state: RawState | None, export: Literal["full", "partial"]) -> None:
        """Find the rows that earlier loads, if any, lack or have otherwise, and what vanished."""
        import pyarrow.compute as pc

        latest = state.latest(self.entity.name) if state else None
        versions = self._versions
        versions.compare(latest)
        counts = versions.counts
        self.rows_new, self.rows_changed = counts.new, counts.changed + counts.deleted
        if state is None or latest is None:
            return
        self.rows_before = latest.num_rows - (pc.sum(latest["is_deleted"]).as_py() or 0)
        if export == "full":
            self._bury_gone(state)

    def compare_part(
        self,
        state: RawState,
        last: LastExport,
        gone: Sequence[str],
        gone_rejected: Sequence[str],
    ) -> None:
        """Compare rows that are only those that may have changed; those of ids `gone` are deleted.

        All others are as they were, and so are rows that were rejected and are not among these,
        nor `gone_rejected`.
        """
        self.is_part = True
        self.compare(state, "partial")
        self.rows_gone = self.rows_deleted = len(gone)
        if gone:
            self._versions.bury(state.latest_rows(self.entity.name, list(gone)))
        self.rows = self.rows_before + self._versions.counts.live - len(gone)
        self.rows_read = None
        self._keep_rejected(state, last, [*gone, *gone_rejected])
        self.rows -= self._count_kept(state)

    def _count_kept(self, state: RawState) -> int:
        """The records that are counted as rejected, and are there as they were before."""
        import pyarrow.compute as pc

        latest = state.latest(self.entity.name)
        with register(self.connection, "§live", latest.filter(pc.invert(latest["is_deleted"]))):
            (kept,) = one_row(
                self.connection,
                f"""select count(distinct r.source_id) from {quote(self._name("rejected"))} as r
                    semi join "§live" as l on l.source_id = r.source_id
                    anti join (select source_id from {quote(self.mapped)} where {REASON} is null)
                        as m on m.source_id = r.source_id
                    where r.reason not like '%: repeated'""",
            )
        return int(kept)

    def _keep_rejected(self, state: RawState, last: LastExport, gone: Sequence[str]) -> None:
        """Reject again what the last load has rejected, unless it is read now, or gone."""
        import pyarrow as pa

        rejected, mapped = quote(self._name("rejected")), quote(self.mapped)
        same = "source_id, reason, record"
        with (
            register(self.connection, "§before", state.rejected_by(last)),
            register(self.connection, "§gone ids", pa.table({"id": pa.array(gone, pa.string())})),
        ):
            self.connection.execute(f"""
                insert into {rejected} by name
                from "§before" as before where
                    not exists (select 1 from {mapped} as m where m.source_id = before.source_id)
                    and not exists (select 1 from {rejected} as r where r.record = before.record)
                    and not exists (select 1 from "§gone ids" as g where g.id = before.source_id)
            """)
            differing, self.rows_rejected = one_row(
                self.connection,
                f"""select
                    (select count(*) from (
                        (select {same} from {rejected} except select {same} from "§before")
                        union all
                        (select {same} from "§before" except select {same} from {rejected}))),
                    (select count(*) from {rejected})""",
            )
        self.has_rejected_otherwise = differing > 0

    def _bury_gone(self, state: RawState) -> None:
        """Delete the records that the export no longer holds.

        A record whose row was rejected is still there. That may be any record where a rejected
        row's id cannot be known: then those that its text names are held to be there, or all of
        them where ids are hashes of values. So it is with values of rows that may have swallowed
        records.
        """
        import pyarrow as pa

        named = "contains(unknown.record, known.source_id)" if self.has_ids else "true"
        swallowed = [value for part in self.all_parts for value in part.swallowed]
        texts = pa.table({"record": pa.array(swallowed, pa.string())})
        with register(self.connection, "§swallowed", texts):
            gone = self._versions.vanished(
                unless=f"""exists (
                    select 1 from (
                        select record from {quote(self._name("rejected"))} where source_id is null
                        union all select record from "§swallowed"
                    ) as unknown where {named})"""
            )
        self.rows_gone = len(gone)
        if gone and not self._unreadable():
            self.rows_deleted = len(gone)
            self._versions.bury(state.latest_rows(self.entity.name, gone))

    @property
    def has_versions(self) -> bool:
        """Whether there is anything to append."""
        return self.rows_new + self.rows_changed + self.rows_deleted > 0

    def versions(self) -> Iterator[pa.RecordBatch]:
        """The new versions of records."""
        return self._versions.batches()

    def rejected(self) -> Iterator[pa.RecordBatch]:
        """The rows that break the contract."""
        named = (
            f"{literal(self.instance)} as source_instance, {literal(self.entity.name)} as entity"
        )
        columns = ", ".join(c.name for c in REJECTED_COLUMNS[2:])
        return self._batches(f"select {named}, {columns} from {quote(self._name('rejected'))}")

    def report(self) -> TableLoad:
        """The counts of rows."""
        return TableLoad(
            self.entity.name,
            self.rows,
            self.rows_new,
            self.rows_changed,
            self.rows_deleted,
            self.rows_rejected,
            rows_read=self.rows_read,
            rows_restated=self.overlap.rows,
        )

    def rules(self) -> tuple[Rule, ...]:
        """The rules that rejected rows broke."""
        sampled = self.connection.execute(samples_of(quote(self._name("rejected"))))
        return tuple(by_rule(self.entity.name, sampled.to_arrow_table().to_pylist()))

    @property
    def files(self) -> tuple[str, ...]:
        """The files that were read, and where rows are written, the company file."""
        return tuple(dict.fromkeys(part.name for part in self.all_parts))

    @property
    def warnings(self) -> list[str]:
        """What deserves a look, though the rows fit."""
        told = [self._told_of_overlap()] if self.overlap.rows else []
        return [*told, *self._told_of_gone()]

    @property
    def has_identity(self) -> bool:
        """Whether a record stays the same one when its values change."""
        return self.has_ids or bool(self.entity.key)

    def _told_of_gone(self) -> Iterator[str]:
        """What to say of records that the export lacks, where they are many or are kept."""
        lost = self.rows_gone if self.has_identity else self.rows_gone - self.rows_new
        told = (
            f"{self.entity.name}: {self.rows_gone:,} of {self.rows_before:,} records are gone from "
            "this export"
        )
        if self.rows_gone > self.rows_deleted:
            yield (
                f"{told}, and none is taken for deleted: {self._unreadable()} cannot be read, and "
                "each may be any of them. The next export that can be read whole tells"
            )
        elif lost > MIN_GONE and lost > MAX_GONE * self.rows_before:
            yield (
                f"{told} at once, and are deleted now. If it was cut off or filtered, load a whole "
                "one: they come back with it"
            )

    def _told_of_overlap(self) -> str:
        overlap = self.overlap
        what = "ids" if self.has_ids else "keys" if self.entity.key else "rows"
        which = {0: "of the last file by name", overlap.ids: "of the latest source_updated_at"}
        taken = which.get(overlap.by_time, " or ".join(reversed(which.values())))
        record, kept, other = overlap.example
        example = f"{record}: {kept}" if self.has_ids else kept
        doubt = (
            f"; the dates in the names may be read in two ways, and {overlap.guessed} was taken "
            "for the newest: map source_updated_at, or name the files by year, month and day "
            "(2024-01-31)"
        )
        return (
            f"{self.entity.name}: {overlap.ids:,} {what} in several files, {overlap.differing:,} "
            f"with other values: the row {taken} was taken ({example}, not {other})"
            f"{doubt if overlap.guessed else ''}"
        )

    def _unreadable(self) -> str:
        """The lines that cannot be read as rows, in words; none where there are none."""
        broken = {
            part.name: [line.line for line in part.broken if line.values is None]
            for part in self.all_parts
        }
        return "; ".join(f"{file}, {lines_of(lines)}" for file, lines in broken.items() if lines)

    def _count_read(self) -> int:
        """The rows that there are to map, and the lines that cannot be read as rows."""
        (rows,) = one_row(self.connection, f"select count(*) from {quote(self.rowset.table)}")
        return int(rows) + sum(len(part.broken) for part in self.all_parts)

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """All files that were read."""
        return tuple(part for table in self.tables for part in table.parts)

    @property
    def _parts(self) -> tuple[Part, ...]:
        """The files whose rows the mapped rows are."""
        return self.rowset.driver.parts if self.rowset.driver else ()

    @cached_property
    def _versions(self) -> Versions:
        return Versions(
            self.connection,
            self.mapped,
            (*RECORD_COLUMNS, *self.entity.by_name.values()),
            reason=REASON,
            values={
                "source_instance": literal(self.instance),
                "source_file": self._file(),
                "source_row": f"coalesce({FILE_ROW}, {POSITION}) + 1",
            },
            tombstone_hash=row_hash(self.entity),
        )

    def _file(self) -> str:
        """SQL of the name of the file that a mapped row came from."""
        file = literal(", ".join(self.files))
        for part in reversed(self._parts):
            end = part.first + part.rows
            file = f"case when {FILE_ROW} < {end} then {literal(part.name)} else {file} end"
        return file

    def _batches(self, query: str) -> Iterator[pa.RecordBatch]:
        yield from self.connection.cursor().execute(query).to_arrow_reader(BATCH_ROWS)

    def _name(self, kind: str) -> str:
        return f"§{kind} {self.entity.name}"
