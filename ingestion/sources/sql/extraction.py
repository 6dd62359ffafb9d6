"""Extracts a SQL source: what changed since the last load, in batches for dlt."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.contract.columns import Entity
from ingestion.errors import SourceError
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.loading.state import LastExport
from ingestion.sources.files import reading
from ingestion.sources.files.catalog import Origin, Relation
from ingestion.sources.files.confinement import confine
from ingestion.sources.files.entity_load import EntityLoad
from ingestion.sources.files.fingerprints import Digests
from ingestion.sources.files.mapped_extract import MappedExtract
from ingestion.sources.files.remapping import INLINE, Said, said_of_mapping
from ingestion.sources.files.settings import FileOptions, Input
from ingestion.sources.files.shapes.inputs import needs
from ingestion.sources.sql import cursors
from ingestion.sources.sql.database import (
    SINCE,
    ConnectionLostError,
    NoConnectionError,
    Rows,
    opened,
    warnings_of,
)
from ingestion.sources.sql.increments import (
    Keys,
    Part,
    changed_since,
    cursor_of,
    hash_of,
    highest,
)
from ingestion.sources.sql.settings import History, SqlMapping, SqlSource
from ingestion.sources.sql.staging import Forms, differing, forms_of, selected, stage
from ingestion.sources.sql.tables import tables_of
from ingestion.sources.sql.writing import Writing, writing_of
from ingestion.warehouse.duckdb_sql import one_row, path_literal, quote, workbench

if TYPE_CHECKING:
    import duckdb

ATTEMPTS, PAUSE = 3, 2.0
"""How often a database is read whose connection is lost, and the seconds before it is again."""


@contextmanager
def extract(context: ExtractContext, source: SqlSource) -> Iterator[Extraction]:
    """Read the database in one transaction, map what it gave, and find the new versions.

    The transaction is over before anything is mapped. Raises SourceError naming company file and
    key of all that is wrong; never the address.
    """
    with _begun(context, source) as begun:
        yield begun.run()


def check(context: ExtractContext, source: SqlSource) -> SourceCheck:
    """Read and map all entities, and tell what a load would make of them."""
    with _begun(context, source) as begun:
        return begun.check()


@contextmanager
def _begun(context: ExtractContext, source: SqlSource) -> Iterator[_Extract]:
    with workbench(context.folder / "spill") as connection:
        connection.execute("set TimeZone = 'UTC'")
        # A file is written anew where its rows are read again, and parts of the first are kept.
        connection.execute("set enable_external_file_cache = false")
        yield _Extract(context, source, connection)


class _Extract(MappedExtract):
    """One extraction: what each `from` gives is set down in a file, and is a table from then on."""

    def __init__(
        self, context: ExtractContext, source: SqlSource, connection: duckdb.DuckDBPyConnection
    ) -> None:
        super().__init__(context, source, connection, tables_of(context.company.entities))
        self.source = source
        self._read_from: dict[str, dict[str, Rows]] = {}
        self._parts: dict[str, Part] = {}
        confine(connection, folders=[context.folder])

    @property
    def _where(self) -> str:
        return f"the database at the address in {self.source.address_env}"

    def run(self) -> Extraction:
        """Load what changed, as of one moment."""
        with self.wrong.each():
            self._read(ATTEMPTS)
        return super().run()

    def check(self) -> SourceCheck:
        """Find out what a load would do, with all entities."""
        with self.wrong.each():
            self._read(1)
        return super().check()

    def _read(self, attempts: int) -> None:
        """Read all inputs; anew, as of another moment, where the connection is lost."""
        for attempt in range(1, attempts + 1):
            known = len(self.wrong.problems)
            try:
                with opened(self.source) as self._database:
                    for note in warnings_of(self._database.dialect):
                        self._tell(note)
                    self.find()
                return
            except ConnectionLostError as error:
                del self.wrong.problems[known:]
                self.found, self.origins, self.digests = {}, {}, Digests()
                if attempt == attempts:
                    raise SourceError(
                        f"source {self.source.name}: the connection was lost while it was read "
                        f"({error}), and nothing of this source was loaded. Run again"
                    ) from None
            except NoConnectionError:
                if attempt in (1, attempts):
                    raise
            self.context.progress(f"{self.source.name}: the connection was lost; reading anew")
            time.sleep(PAUSE * attempt)

    def _origin(self, key: str, said: Input) -> Origin | None:
        """What a `from` gives, in files: all rows, or those that may have changed."""
        if said.from_ is None:
            return None
        name = key.split(".")[1]
        self.context.progress(f"{self.source.name}: reading {name}")
        with self._at(f"{key}.from"):
            rows = self._database.rows_of(said.from_, f"the SELECT of {key}")
        self._read_from.setdefault(name, {})[key] = rows
        with self._at(key):
            self._refuse_gone(name, key, said, rows)
            file = self.context.folder / f"{key}.parquet"
            mapping = self.source.entities[name]
            if mapping.cursor:
                self._parts[name] = part = self._part(name, mapping, rows, file, key)
                return Origin((Relation(rows.name, (file, *part.files), FileOptions()),))
            self._stage_all(rows, file)
        return Origin((Relation(rows.name, (file,), FileOptions()),))

    def _stage_all(self, rows: Rows, file: Path) -> None:
        stage(self._database, selected(self._database, rows), rows.fields, file)

    def _part(self, name: str, mapping: SqlMapping, rows: Rows, file: Path, key: str) -> Part:
        """Read the rows that may have changed since the last load, and find what is gone.

        All rows are read at the first load, and where what decides which may stay unread has
        changed: company.yml, the contract, the database, the columns that there are, or rows of
        others that these are checked against.
        """
        cursor = cursor_of(mapping, rows)
        asked = hash_of(
            mapping.model_dump(mode="json"),
            [asdict(column) for column in self.state.tables[name]],
            asdict(self._zones),
            [self._content(needed) for needed in needs(self.source.entities, name)],
            self._database.identity,
            self.source.schema_,
            rows.sql,
            [asdict(field) for field in rows.fields],
        )
        last = self.last.get(name)
        before = last.row.get("seen_to") if last and last.row.get("asked") == asked else None
        if last and before:
            told = self._read_before(last, key)
            keys = self._keys(name, rows, told.get("forms", {}))
            part = self._increment(
                name, last, cursors.read(before), cursor, keys, told.get("writing", {}), file
            )
            if part:
                return replace(part, asked=asked)
        keys = self._keys(name, rows, {})
        self._stage_all(rows, file)
        found = highest(self.connection, file, cursor, self._now)
        # Whether increments can be read is told before the first load, not before the second.
        if isinstance(mapping.deletes, History):
            keys.of_deleted(mapping.deletes, file.with_suffix(".keys.parquet"))
        elif mapping.deletes == "keys":
            _ = keys.names
        if found.value is not None:
            cursors.since(found.value, mapping)
        return Part(asked, found.seen, forms=forms_of(file, rows.columns.values()))

    def _increment(
        self,
        name: str,
        last: LastExport,
        seen: cursors.Value,
        cursor: str,
        keys: Keys,
        writing: Writing,
        file: Path,
    ) -> Part | None:
        """Read the rows that may have changed; None where they do not tell what is there now."""
        mapping, rows, known = keys.mapping, keys.rows, keys.forms
        key_file = file.with_suffix(".keys.parquet")
        since = cursors.since(seen, mapping)
        sql = changed_since(self._database, rows, cursor)
        stage(self._database, sql, rows.fields, file, {SINCE: since}, known)
        found = highest(self.connection, file, cursor, self._now)
        if cursors.is_below(found.value, seen):
            return None  # The row that was the highest is gone, or all are those of a backup.
        forms = forms_of(file, rows.columns.values())
        written = writing_of(self.connection, keys.entity, mapping, file, self._zones)
        if differing(known, forms) or differing(writing, written):
            return None  # What a value is, all of its column tell.
        seen = seen if found.seen is None or cursors.is_below(found.seen, seen) else found.seen
        part = Part("", seen, since, forms={**known, **forms}, writing={**writing, **written})
        live = self._live(name)
        rejected = self._rejected_ids(last)
        if isinstance(mapping.deletes, History):
            deleted = {*keys.of_deleted(mapping.deletes, key_file)}
            return replace(
                part, gone=live & deleted, gone_rejected=rejected & deleted, files=(key_file,)
            )
        if mapping.deletes == "none":
            return part
        read = keys.of_all(key_file)
        there = {*read}
        if len(there) < len(read) or differing(known, forms_of(key_file, keys.names)):
            return None  # Which rows of one id are taken, all of them tell.
        # A row that says itself that it is deleted is there; raw knows no difference.
        raw = self._known(name) if "is_deleted" in (mapping.columns or {}) else live
        late = there.difference(raw, rejected, keys.ids(file))
        if late:
            self._tell(
                f"{name}: {len(late):,} records are there whose {cursor} is older than the lag of "
                f"{mapping.lag} allows: they were committed late, or written with an old one. All "
                "rows were read; a longer lag lets increments find them"
            )
            return None
        return replace(part, gone=live - there, gone_rejected=rejected - there, files=(key_file,))

    def _keys(self, name: str, rows: Rows, forms: Forms) -> Keys:
        return Keys(
            self.connection,
            self.entities[name],
            self.source.entities[name],
            self._zones,
            self._database,
            rows,
            forms,
        )

    def _content(self, name: str) -> object:
        """What an entity is made of that others are checked against."""
        origins = [found.origin for found in self.found.get(name, ()) if found.origin]
        return [
            self.source.entities[name].model_dump(mode="json"),
            *(
                self.digests.of(path)
                for origin in origins
                for relation in origin.relations
                for path in relation.files
            ),
        ]

    @staticmethod
    def _read_before(last: LastExport | None, key: str) -> dict[str, Any]:
        """What the last load recorded of an input."""
        reads = json.loads(last.row["files"]) if last else []
        return next((one for one in reads if one.get("input") == key), {})

    def _live(self, name: str) -> frozenset[str]:
        """The ids of the records that are there, as far as raw knows."""
        import pyarrow.compute as pc

        latest = self.state.latest(name)
        return frozenset(latest.filter(pc.invert(latest["is_deleted"]))["source_id"].to_pylist())

    def _known(self, name: str) -> frozenset[str]:
        """The ids of all records that raw has, deleted ones among them."""
        return frozenset(self.state.latest(name)["source_id"].to_pylist())

    def _rejected_ids(self, last: LastExport) -> frozenset[str]:
        rejected = self.state.rejected_by(last)["source_id"]
        return frozenset(rejected.drop_null().to_pylist())

    @property
    def _now(self) -> cursors.Now:
        moment = self.context.company.own_as_of
        instant = moment.replace(tzinfo=dt.UTC) if moment else dt.datetime.now(dt.UTC)
        return cursors.Now(instant, self._zones.source)

    def _refuse_gone(self, name: str, key: str, said: Input, rows: Rows) -> None:
        """Raise SourceError where columns that are taken by their names are there no more."""
        last = self.last.get(name)
        if said.columns is not None or last is None:
            return
        before = self._read_before(last, key).get("columns", ())
        gone = [
            column
            for column in before
            if column.lower() in self.entities[name].by_name and column.lower() not in rows.columns
        ]
        if gone:
            raise SourceError(
                f"{rows.name} has no column {' and no column '.join(map(repr, gone))} any more, "
                f"which the last load took for the one of {name}. If that is right, give 'columns' "
                f"without it; columns there are: {', '.join(rows.columns.values())}"
            )

    def _usable(self, entity: Entity, said: Input, origin: Origin) -> dict[str, reading.Table]:
        """A table of what a `from` gave."""
        (relation,) = origin.relations
        file = relation.files[0]
        name = f"§read {file.stem}"
        self.connection.execute(
            f"create or replace table {quote(name)} as from read_parquet({path_literal(file)})"
        )
        (rows,) = one_row(self.connection, f"select count(*) from {quote(name)}")
        part = reading.Part(relation.name, 0, rows, lambda wanted: [None] * len(wanted))
        return {name: reading.Table(name, (part,))}

    def _said(self, name: str) -> Said:
        if name not in self.origins:
            return INLINE
        said = said_of_mapping(self.source.entities[name], self.source.timezone)
        return {**said, "schema": self.source.schema_ or "the database's own"}

    def _described(self, name: str, load: EntityLoad) -> list[dict[str, object]]:
        return [
            {
                "from": rows.name,
                "input": key,
                "columns": list(rows.columns.values()),
                **self._written(name, key),
            }
            for key, rows in self._read_from.get(name, {}).items()
        ]

    def _written(self, name: str, key: str) -> dict[str, object]:
        """How values are, which the next increment has to agree with."""
        part = self._parts.get(name)
        if part is None:
            return {}
        file, mapping = self.context.folder / f"{key}.parquet", self.source.entities[name]
        is_whole = part.since is None
        entity = self.entities[name]
        writing = (
            writing_of(self.connection, entity, mapping, file, self._zones)
            if is_whole
            else part.writing
        )
        return {"forms": part.forms, "writing": writing}

    def _recorded(self, name: str) -> Mapping[str, object]:
        part = self._parts.get(name)
        if part is None:
            return {"seen_to": None, "asked": None}
        seen = None if part.seen is None else cursors.written(part.seen)
        return {"seen_to": seen, "asked": part.asked}

    def _compare_rows(self, name: str, load: EntityLoad, last: LastExport | None) -> None:
        part = self._parts.get(name)
        if last is None or part is None or part.since is None:
            super()._compare_rows(name, load, last)
        else:
            load.compare_part(self.state, last, sorted(part.gone), sorted(part.gone_rejected))

    def _is_news(self, name: str, load: EntityLoad) -> bool:
        part, last = self._parts.get(name), self.last.get(name)
        if last is None or part is None or part.since is None:
            return True
        is_further = last.row["seen_to"] != self._recorded(name)["seen_to"]
        return is_further or load.has_versions or load.has_rejected_otherwise
