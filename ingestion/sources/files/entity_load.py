"""One entity's share of a load: the rows that are taken, the rows that are rejected, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ingestion.company import FilesSource
from ingestion.contract import META_COLUMNS, REJECTED_COLUMNS, Entity
from ingestion.pipeline import TableLoad
from ingestion.sources.files.mapping import FILE_ROW, POSITION, REASON, Relation, row_hash_sql
from ingestion.sources.files.reading import Table
from ingestion.sources.files.sql import literal, quote
from ingestion.sources.files.versions import History

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH_ROWS = 200_000


@dataclass
class EntityLoad:
    """An entity mapped to table `mapped`, to be checked, then compared, then handed out."""

    connection: duckdb.DuckDBPyConnection
    entity: Entity
    export: Literal["full", "partial"]
    source: FilesSource
    relation: Relation
    mapped: str
    tables: tuple[Table, ...]
    rows: int = 0
    rows_rejected: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_deleted: int = 0

    def check(self, has_stages: bool) -> None:
        """Reject repeated ids, and stages that the source does not list; count rows."""
        mapped = quote(self.mapped)
        self._tell_apart_repeats() if self._is_keyless else self._reject_repeats()
        taken, rejected = self._one(
            f"select count(*) filter ({REASON} is null), count({REASON}) from {mapped}"
        )
        self.rows, self.rows_rejected = taken, rejected

    def compare(self, history: History | None) -> None:
        """Keep what differs from the latest versions."""
        mapped, changes = quote(self.mapped), quote(f"§changes {self.entity.name}")
        if history is None:
            self.connection.execute(
                f"create or replace view {changes} as from {mapped} where {REASON} is null"
            )
            self.rows_new = self.rows
            return
        latest = history.latest(self.entity)
        self.connection.register("§latest", latest)
        self.connection.execute(
            f"create or replace table {changes} as select m.*, l.source_id is null as is_new "
            f'from {mapped} m left join "§latest" l using (source_id) '
            f"where {REASON} is null and l.row_hash is distinct from m.row_hash"
        )
        self.rows_new, self.rows_changed = self._one(
            f"select count(*) filter (is_new), count(*) filter (not is_new) from {changes}"
        )

    @property
    def has_versions(self) -> bool:
        """Whether there is anything to append."""
        return self.rows_new + self.rows_changed + self.rows_deleted > 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The versions to append."""
        columns = ", ".join(quote(name) for name in self.entity.by_name)
        changes = quote(f"§changes {self.entity.name}")
        reader = self.connection.cursor().execute(
            f"select {literal(self.source.name)} as source_instance, {self._file()} as source_file, "
            f"coalesce({FILE_ROW}, {POSITION}) + 1 as source_row, source_extra, row_hash, {columns} "
            f"from {changes}"
        ).to_arrow_reader(BATCH_ROWS)
        yield from reader

    def rejected_batches(self) -> Iterator[pa.RecordBatch]:
        """The rejected rows."""
        own = ", ".join(quote(name) for name in self.relation.own_columns)
        record = ", ".join(f"{literal(n)}: r.{quote(n)}" for n in self.relation.own_columns)
        reader = self.connection.cursor().execute(
            f"select {literal(self.source.name)} as source_instance, "
            f"{literal(self.entity.name)} as entity, m.source_id, {self._file()} as source_file, "
            f"m.{FILE_ROW} as source_line, m.{REASON} as reason, to_json({{{record}}})::VARCHAR as record "
            f"from {quote(self.mapped)} m join {quote(self.relation.table)} r "
            f"on m.{POSITION} = r.rowid where m.{REASON} is not null"
        ).to_arrow_reader(BATCH_ROWS)
        yield from reader

    def report(self) -> TableLoad:
        """The counts."""
        return TableLoad(
            self.entity.name,
            self.rows,
            self.rows_new,
            self.rows_changed,
            self.rows_deleted,
            self.rows_rejected,
        )

    @property
    def _is_keyless(self) -> bool:
        return not self.entity.key and "source_id" not in self._mapped_names()

    def _mapped_names(self) -> set[str]:
        mapping = self.source.entities[self.entity.name]
        return set(mapping.mapped()) or set(self.relation.own_columns)

    def _tell_apart_repeats(self) -> None:
        self.connection.execute(
            f"with repeated as (select {POSITION}, source_id, row_number() over "
            f"(partition by source_id order by {POSITION}) as n from {quote(self.mapped)} "
            f"where {REASON} is null and source_id in (select source_id from {quote(self.mapped)} "
            f"where {REASON} is null group by source_id having count(*) > 1)) "
            f"update {quote(self.mapped)} as m set source_id = md5(r.source_id || '#' || n) "
            f"from repeated r where r.{POSITION} = m.{POSITION} and n > 1"
        )

    def _reject_repeats(self) -> None:
        self.connection.execute(
            f"with repeated as (select source_id, min({POSITION}) as first from "
            f"{quote(self.mapped)} where {REASON} is null group by source_id "
            f"having count(*) > 1) update {quote(self.mapped)} as m set {REASON} = "
            f"'source_id: repeated; the first is in row ' || (first + 1) from repeated r "
            f"where r.source_id = m.source_id and m.{POSITION} > first and {REASON} is null"
        )

    def _file(self) -> str:
        driver = self.relation.driver
        if driver is None:
            files = {p.file for t in self.tables for p in t.parts}
            return literal(", ".join(sorted(f.name for f in files)))
        return literal(driver.parts[0].file.name)

    def _one(self, sql: str) -> tuple[int, ...]:
        row = self.connection.execute(sql).fetchone()
        assert row is not None
        return row
