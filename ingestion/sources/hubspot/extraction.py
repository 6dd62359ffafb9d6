"""Extracts a HubSpot portal: all of it the first time, then what changed since.

Each object is listed whole when there is no earlier load, when other properties are to be read
than then (a column that appeared, vanished or changed its type concerns every record), or when the
last load is older than HubSpot keeps archived records. Otherwise a search gives the ids of what
was modified in [last moment - LAG, now], by the server's clock, and only these are read again.
Archived records are in no search: they are listed by id each time, and read once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ingestion.errors import Gathered, SourceError
from ingestion.pipeline import ExtractContext, Extraction, TableLoad
from ingestion.sources.hubspot import directory
from ingestion.sources.hubspot.answers import ARCHIVED, ENTRY, PROPERTY, RECORD, understood
from ingestion.sources.hubspot.checking import refuse_unknown
from ingestion.sources.hubspot.client import (
    ASSOCIATIONS_PAGE,
    HISTORY_PAGE,
    PAGE,
    HubSpotClient,
    Patience,
)
from ingestion.sources.hubspot.delta import Delta
from ingestion.sources.hubspot.intake import LINK_TYPE, Intake, record_type
from ingestion.sources.hubspot.objects import OBJECTS, CrmObject
from ingestion.sources.hubspot.raw import LastLoad, RawState
from ingestion.sources.hubspot.rows import DEAL_STAGES, Reading, links
from ingestion.sources.hubspot.scopes import MissingScopeError
from ingestion.sources.hubspot.settings import HubSpotSource
from ingestion.sources.hubspot.tables import EXPORTS, TABLES
from ingestion.warehouse.duckdb_sql import quote, workbench

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

LAG = dt.timedelta(minutes=15)
"""How late HubSpot's search may learn of a change; windows overlap by as much."""
READERS = 4
"""Objects that are read at a time."""
MEMORY = "1GB"
"""What the intake's database may hold in memory; the rest waits on disk."""
ARCHIVE_KEPT = dt.timedelta(days=85)
"""HubSpot forgets archived records after 90 days."""
MIN_SHARE = 0.8
TYPES: Mapping[str, tuple[str, ...]] = {
    "money": ("number",), "number": ("number",), "integer": ("number",), "boolean": ("bool",),
    "timestamp": ("datetime", "date"), "date": ("date", "datetime"),
}  # fmt: skip
"""HubSpot's property types that a column's type expects; a text column takes any."""


@contextmanager
def extract(
    context: ExtractContext, source: HubSpotSource, patience: Patience | None = None
) -> Iterator[Extraction]:
    """Read the portal; the batches can be taken until the context is left.

    Raises SourceError; nothing of the portal is then loaded.
    """
    with workbench(context.folder / "intake", MEMORY) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        try:
            with context.warehouse.kept_open(), understood(source.name):
                client = HubSpotClient(source, patience)
                extraction = _Extract(context, source, client, connection).run()
        except SourceError as error:
            told = (f"{context.company.path}: {problem}" for problem in error.problems)
            raise SourceError(*told) from None
        yield extraction


class _Extract:
    def __init__(
        self,
        context: ExtractContext,
        source: HubSpotSource,
        client: HubSpotClient,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self.context, self.source = context, source
        self.client, self.connection = client, connection
        self.state = RawState(context.warehouse, context.dataset, source.name)
        self.last = self.state.last_loads()
        self.deltas: dict[str, Delta] = {}
        self.plans: dict[str, _Plan] = {}
        self.warnings: list[str] = []

    def run(self) -> Extraction:
        """Read everything that is wanted; say nothing when nothing is new."""
        self.plans = self._plan_all()
        self._read_directory()
        self._fetch_all()
        for plan in self.plans.values():
            self._compare_object(plan)
        loads = tuple(delta.report() for delta in self.deltas.values())
        batches = self._batches()
        if self._is_as_before() and not any(delta.has_news for delta in self.deltas.values()):
            loads = tuple(
                TableLoad(table, last.rows, 0, 0, 0, last.rows_rejected, is_unchanged=True)
                for table, last in self.last.items()
            )
            batches = {}
        return Extraction(loads, batches, tuple(self.warnings))

    def _is_as_before(self) -> bool:
        return all(
            name in self.last and self.last[name].fingerprint == plan.fingerprint
            for name, plan in self.plans.items()
        )

    def _read_directory(self) -> None:
        """Owners, teams and stages."""
        self._say("reading owners, teams and stages")
        entries = {
            "owners": directory.owners(self.client),
            "teams": directory.teams(self.client),
            "stages": directory.stages(self.client, self.source),
        }
        for table, rows in entries.items():
            directory.create_rows(self.connection, table, self.source.name, rows)
            self._compare(table, is_whole=True)
        self.connection.execute(
            f"set variable {DEAL_STAGES} = "
            "(select list(stage_id) from \"stages rows\" where object = 'deals')"
        )

    def _plan_all(self) -> dict[str, _Plan]:
        """What to read of each object. Raises SourceError of all that is wrong."""
        plans: dict[str, _Plan] = {}
        refused: list[MissingScopeError] = []
        wrong = Gathered()
        for name in self.source.objects:
            with wrong.each():
                try:
                    plans[name] = self._plan(OBJECTS[name])
                except MissingScopeError as error:
                    refused.append(error)
        if refused:
            with wrong.each():
                raise MissingScopeError.together(self.source, refused)
        wrong.raise_any()
        return plans

    def _plan(self, crm_object: CrmObject) -> _Plan:
        """What to read of an object, and since when; tells of properties that changed."""
        page = self.client.whole(f"/crm/v3/properties/{crm_object.name}", PROPERTY)
        last = self.last.get(crm_object.name)
        plan = _Plan.of(
            self.source,
            crm_object,
            page.results,
            self.context.company.timezone,
            page.received_at,
            last,
        )
        self.warnings += plan.warnings(last)
        return plan

    def _fetch_all(self) -> None:
        """Fetch all objects, several at a time: the network waits, the server works."""
        with ThreadPoolExecutor(READERS) as pool:
            fetches = [pool.submit(self._fetch, plan) for plan in self.plans.values()]
            try:
                for fetched in as_completed(fetches):
                    fetched.result()
            except BaseException:
                self.client.stop()
                pool.shutdown(cancel_futures=True)
                raise

    def _fetch(self, plan: _Plan) -> None:
        """Take in an object's records and their associations."""
        members = record_type(plan.reading.properties, plan.reading.history_asked)
        with self.connection.cursor() as connection:
            folder = self.context.folder
            with Intake(connection, f"{plan.name} records", members, folder) as intake:
                for records in self._records(plan):
                    intake.add(records)
            for to_object in plan.reading.links:
                self._fetch_links(connection, plan.name, to_object)

    def _fetch_links(
        self, connection: duckdb.DuckDBPyConnection, name: str, to_object: str
    ) -> None:
        """Take in the associations of all records that were read with those of another object."""
        ids = connection.cursor().execute(f"select distinct id from {quote(f'{name} records')}")
        with Intake(connection, f"{name} {to_object}", LINK_TYPE, self.context.folder) as intake:
            while some := ids.fetchmany(ASSOCIATIONS_PAGE):
                for page in self.client.associations(name, to_object, [row[0] for row in some]):
                    intake.add(page.results)

    def _compare_object(self, plan: _Plan) -> None:
        """Make an object's rows of what was fetched, and find what is new among them."""
        name, crm_object = plan.name, plan.reading.crm_object
        parts = [f"({links(f'{name} {to}', to)})" for to in plan.reading.links]
        if parts:
            table = quote(f"{name} links")
            self.connection.execute(f"create table {table} as {' union all '.join(parts)}")
        self.connection.execute(f"create table {quote(f'{name} rows')} as {plan.reading.rows()}")
        self._compare(name, plan.since is None)
        self._refuse_shrunk(name, plan)
        if crm_object.history:
            self.connection.execute(
                f"create table {quote('property_history rows')} as {plan.reading.history()}"
            )
            self._compare("property_history", is_whole=False, key="object_id")

    def _records(self, plan: _Plan) -> Iterator[list[dict[str, Any]]]:
        """Pages of the records to read: live ones, then archived ones."""
        if plan.since is not None:
            yield from self._by_id(plan, self._modified(plan), archived=False)
        elif self.client.fits_url(plan.path, **plan.wanted):
            pages = self.client.pages(plan.path, RECORD, **plan.wanted)
            yield from self._counted(plan.name, (page.results for page in pages))
        else:
            records = self._by_id(plan, self._listed(plan), archived=False)
            yield from self._counted(plan.name, records)
        yield from self._by_id(plan, self._archived(plan), archived=True)

    def _by_id(
        self, plan: _Plan, ids: Iterable[str], archived: bool
    ) -> Iterator[list[dict[str, Any]]]:
        reading = plan.reading
        for some in _groups(dict.fromkeys(ids), plan.page):
            yield self.client.read(
                plan.name, some, reading.properties, reading.history_asked, archived
            ).results

    def _listed(self, plan: _Plan) -> Iterator[str]:
        """Ids of all live records, whose properties are too many to be asked for in a URL."""
        for page in self.client.pages(plan.path, ENTRY, limit=PAGE):
            yield from (record["id"] for record in page.results)

    def _modified(self, plan: _Plan) -> Iterator[str]:
        """Ids of what was modified in the window, and of what was rejected before it."""
        assert plan.since is not None
        if self.last[plan.name].rows_rejected:
            yield from self.state.rejected(plan.name)["source_id"].to_pylist()
        modified = plan.reading.crm_object.modified
        for page in self.client.modified(plan.name, modified, plan.since, plan.until):
            yield from (record["id"] for record in page.results)

    def _archived(self, plan: _Plan) -> Iterator[str]:
        """Ids of archived records that raw does not know to be archived at that moment."""
        known: set[tuple[str, dt.datetime]] = set()
        if plan.since is not None:
            table = self.state.archived(plan.name)
            known = set(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
        pages = self.client.pages(plan.path, ARCHIVED, limit=PAGE, archived="true")
        for page in pages:
            for record in page.results:
                if (record["id"], _moment(record["archivedAt"])) not in known:
                    yield record["id"]

    def _compare(self, table: str, is_whole: bool, key: str = "source_id") -> None:
        last = self.last.get(table)
        self.deltas[table] = Delta(self.connection, self.state, table, last, is_whole, key)

    def _refuse_shrunk(self, name: str, plan: _Plan) -> None:
        last = self.last.get(name)
        if last is None or plan.since is not None or self.context.force:
            return
        before, now = last.rows, self.deltas[name].listed()
        if now < MIN_SHARE * before:
            raise SourceError(
                f"source {self.source.name}: {name}: the listing has {now:,} records, the last "
                f"load left {before:,}; one that shrinks below {MIN_SHARE:.0%} is refused, and "
                "nothing of this source was loaded. If it is right, run again with FORCE=1"
            )

    def _counted(
        self, name: str, pages: Iterable[list[dict[str, Any]]]
    ) -> Iterator[list[dict[str, Any]]]:
        """Pages as they are, with a word on progress now and then."""
        count = 0
        for number, records in enumerate(pages):
            count += len(records)
            if number % 100 == 0:
                self._say(f"reading {name}: {count:,}")
            yield records

    def _batches(self) -> dict[str, Iterable[pa.RecordBatch]]:
        batches: dict[str, Iterable[pa.RecordBatch]] = {
            table: delta.batches() for table, delta in self.deltas.items() if delta.has_news
        }
        batches["rejected"] = (
            batch for delta in self.deltas.values() for batch in delta.rejected_batches()
        )
        batches["exports"] = [self._exports()]
        return batches

    def _exports(self) -> pa.RecordBatch:
        import pyarrow as pa

        from ingestion.dlt_load import arrow_schema

        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        rows = []
        for table, delta in self.deltas.items():
            plan = self.plans.get(table)
            report = delta.report()
            rows.append(
                {
                    "source_instance": self.source.name,
                    "entity": table,
                    "fingerprint": plan.fingerprint if plan else "",
                    "files": json.dumps(plan.told() if plan else {"properties": {}}),
                    "rows": report.rows,
                    "rows_new": report.rows_new,
                    "rows_changed": report.rows_changed,
                    "rows_deleted": report.rows_deleted,
                    "rows_rejected": report.rows_rejected,
                    "extracted_at": now,
                    "synced_to": plan.until if plan else now,
                }
            )
        return pa.RecordBatch.from_pylist(rows, schema=arrow_schema(EXPORTS))

    def _say(self, message: str) -> None:
        self.context.progress(f"{self.source.name}: {message}")


@dataclass(frozen=True)
class _Plan:
    """What is read of an object: `since` is None for all of it, else the window's beginning.

    `types` are HubSpot's types of the properties that are asked for.
    """

    reading: Reading
    types: Mapping[str, str]
    fingerprint: str
    since: dt.datetime | None
    until: dt.datetime

    @classmethod
    def of(
        cls,
        source: HubSpotSource,
        crm_object: CrmObject,
        definitions: Iterable[Mapping[str, Any]],
        timezone: str,
        now: dt.datetime,
        last: LastLoad | None,
    ) -> _Plan:
        """The plan for an object whose portal has these property definitions.

        Raises SourceError when company.yml maps a column to a property that was never there.
        """
        defined = {found["name"]: found for found in definitions}
        mapped = source.mapping.get(crm_object.name, {})
        refuse_unknown(source, crm_object.name, {*defined, *(last.properties if last else ())})
        value_of = {
            known.name: holder
            for known in crm_object.properties
            for holder in [mapped.get(known.canonical or "", known.name)]
            if holder in defined
        }
        custom = sorted(name for name, found in defined.items() if not found["hubspotDefined"])
        always = (crm_object.modified, *value_of.values(), *custom)
        properties = tuple(dict.fromkeys(name for name in always if name in defined))
        types = {name: defined[name]["type"] for name in properties}
        links = tuple(name for name in crm_object.links if name in source.objects)
        fingerprint = _hash(
            types, value_of, links, timezone, source.no_decision, TABLES[crm_object.name]
        )
        return cls(
            Reading(crm_object, source.name, value_of, properties, links, timezone),
            types,
            fingerprint,
            _window_start(last, fingerprint, now),
            now,
        )

    @property
    def name(self) -> str:
        """The object's name."""
        return self.reading.name

    @property
    def path(self) -> str:
        """Where the object's records are listed."""
        return f"/crm/v3/objects/{self.name}"

    @property
    def page(self) -> int:
        """How many records HubSpot gives at a time."""
        return HISTORY_PAGE if self.reading.history_asked else PAGE

    @property
    def wanted(self) -> dict[str, object]:
        """The parameters that ask for records with all that is read of them."""
        history = ",".join(self.reading.history_asked)
        return {
            "limit": self.page,
            "properties": ",".join(self.reading.properties),
            **({"propertiesWithHistory": history} if history else {}),
        }

    def warnings(self, last: LastLoad | None) -> Iterator[str]:
        """What changed about the properties since the last load, or does not fit their columns."""
        before = last.properties if last else {}
        for name, type_ in before.items():
            if name not in self.types:
                yield f"{self.name}.{name}: the portal no longer has this property"
            elif self.types[name] != type_:
                yield f"{self.name}.{name}: its type was {type_} and is now {self.types[name]}"
        for name in self.types.keys() - before.keys() if last else ():
            yield f"{self.name}.{name}: new property"
        for known in self.reading.crm_object.properties:
            holder = self.reading.value_of.get(known.name)
            expected = TYPES.get(known.type, ())
            if holder and not last and expected and self.types[holder] not in expected:
                yield (
                    f"{self.name}.{holder}: its type is {self.types[holder]}, expected "
                    f"{expected[0]}; values that do not fit will be rejected"
                )

    def told(self) -> dict[str, object]:
        """What the record of the load says: properties by type, and the window."""
        return {
            "properties": dict(self.types),
            "modified_since": self.since.isoformat() if self.since else None,
            "modified_before": self.until.isoformat(),
        }


def _window_start(last: LastLoad | None, fingerprint: str, now: dt.datetime) -> dt.datetime | None:
    """The moment from which on changes are searched; None when all is to be listed."""
    if last is None or last.fingerprint != fingerprint or now - last.synced_to > ARCHIVE_KEPT:
        return None
    return last.synced_to - LAG


def _groups(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(ids)
    while some := list(islice(rest, size)):
        yield some


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).replace(tzinfo=None)
