"""Extracts a HubSpot portal: all of it the first time, then what changed since.

Each object is listed whole when there is no earlier load, when other properties are to be read
than then (a column that appeared, vanished or changed its type concerns every record), or when the
last load is older than HubSpot keeps archived records. Otherwise a search gives the ids of what
was modified in [last moment - LAG, now], by the server's clock, and only these are read again.
Archived records are in no search: they are listed by id each time, and read once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from ingestion.duckdb_sql import quote, workbench
from ingestion.errors import Gathered, SourceError
from ingestion.http import Patience, Place, understood
from ingestion.loading.delta import Delta
from ingestion.loading.exports import Export, exports_batch
from ingestion.loading.guards import refuse_shrunk
from ingestion.loading.intake import Intake
from ingestion.loading.reports import ExtractContext, Extraction
from ingestion.loading.rows import create_rows
from ingestion.loading.state import RawState
from ingestion.sources.hubspot import directory
from ingestion.sources.hubspot.answers import ARCHIVED, ENTRY, PROPERTY, RECORD
from ingestion.sources.hubspot.client import (
    ASSOCIATIONS_PAGE,
    PAGE,
    HubSpotApi,
    HubSpotClient,
)
from ingestion.sources.hubspot.objects import OBJECTS, CrmObject
from ingestion.sources.hubspot.plan import Plan
from ingestion.sources.hubspot.rows import DEAL_STAGES, LINK_TYPE, links, record_type
from ingestion.sources.hubspot.scopes import MissingScopeError
from ingestion.sources.hubspot.settings import HubSpotSource
from ingestion.sources.hubspot.tables import EXPORTS, TABLES

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

READERS = 4
"""Objects that are read at a time."""
MEMORY = "1GB"
"""What the intake's database may hold in memory; the rest waits on disk."""


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
        place = Place(HubSpotApi.label, source.name)
        try:
            with context.warehouse.kept_open(), understood(place):
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
        self.state = RawState(context.warehouse, context.dataset, source.name, TABLES)
        self.last = self.state.last_exports()
        self.deltas: dict[str, Delta] = {}
        self.plans: dict[str, Plan] = {}
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
            loads = tuple(last.unchanged() for last in self.last.values())
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
            create_rows(self.connection, table, TABLES[table], self.source.name, rows)
            self._compare(table, is_whole=True)
        self.connection.execute(
            f"set variable {DEAL_STAGES} = "
            "(select list(stage_id) from \"stages rows\" where object = 'deals')"
        )

    def _plan_all(self) -> dict[str, Plan]:
        """What to read of each object. Raises SourceError of all that is wrong."""
        plans: dict[str, Plan] = {}
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

    def _plan(self, crm_object: CrmObject) -> Plan:
        """What to read of an object, and since when; tells of properties that changed."""
        page = self.client.whole(f"/crm/v3/properties/{crm_object.name}", PROPERTY)
        last = self.last.get(crm_object.name)
        plan = Plan.of(
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

    def _fetch(self, plan: Plan) -> None:
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

    def _compare_object(self, plan: Plan) -> None:
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

    def _records(self, plan: Plan) -> Iterator[list[dict[str, Any]]]:
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
        self, plan: Plan, ids: Iterable[str], archived: bool
    ) -> Iterator[list[dict[str, Any]]]:
        reading = plan.reading
        for some in _groups(dict.fromkeys(ids), plan.page):
            yield self.client.read(
                plan.name, some, reading.properties, reading.history_asked, archived
            ).results

    def _listed(self, plan: Plan) -> Iterator[str]:
        """Ids of all live records, whose properties are too many to be asked for in a URL."""
        for page in self.client.pages(plan.path, ENTRY, limit=PAGE):
            yield from (record["id"] for record in page.results)

    def _modified(self, plan: Plan) -> Iterator[str]:
        """Ids of what was modified in the window, and of what was rejected before it."""
        assert plan.since is not None
        if self.last[plan.name].rows_rejected:
            yield from self.state.rejected(plan.name)["source_id"].to_pylist()
        modified = plan.reading.crm_object.modified
        for page in self.client.modified(plan.name, modified, plan.since, plan.until):
            yield from (record["id"] for record in page.results)

    def _archived(self, plan: Plan) -> Iterator[str]:
        """Ids of archived records that raw does not know to be archived at that moment."""
        known: set[tuple[str, dt.datetime]] = set()
        if plan.since is not None:
            table = self.state.deletions(plan.name)
            known = set(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
        pages = self.client.pages(plan.path, ARCHIVED, limit=PAGE, archived="true")
        for page in pages:
            for record in page.results:
                if (record["id"], _moment(record["archivedAt"])) not in known:
                    yield record["id"]

    def _compare(self, table: str, is_whole: bool, key: str = "source_id") -> None:
        last = self.last.get(table)
        self.deltas[table] = Delta(self.connection, self.state, table, last, is_whole, key)

    def _refuse_shrunk(self, name: str, plan: Plan) -> None:
        last = self.last.get(name)
        if last is None or plan.since is not None or self.context.force:
            return
        what = f"source {self.source.name}: {name}: the listing"
        refuse_shrunk(what, "records", self.deltas[name].listed(), last.rows)

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
        batches["exports"] = [exports_batch(EXPORTS, self.source.name, self._exports())]
        return batches

    def _exports(self) -> Iterator[Export]:
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        for table, delta in self.deltas.items():
            plan = self.plans.get(table)
            yield Export(
                delta.report(),
                plan.fingerprint if plan else "",
                plan.told() if plan else {"properties": {}},
                {"synced_to": plan.until if plan else now},
            )

    def _say(self, message: str) -> None:
        self.context.progress(f"{self.source.name}: {message}")


def _groups(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(ids)
    while some := list(islice(rest, size)):
        yield some


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).replace(tzinfo=None)
