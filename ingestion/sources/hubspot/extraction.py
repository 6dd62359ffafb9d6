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
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from ingestion.errors import Gathered
from ingestion.http import Patience, Place
from ingestion.loading.api_load import ApiLoad, Asked, api_load
from ingestion.loading.intake import Intake
from ingestion.loading.reports import ExtractContext, Extraction
from ingestion.loading.rows import create_rows
from ingestion.loading.side_by_side import side_by_side
from ingestion.sources.hubspot import directory
from ingestion.sources.hubspot.answers import ARCHIVED, ENTRY, PROPERTY, RECORD
from ingestion.sources.hubspot.client import ASSOCIATIONS_PAGE, PAGE, HubSpotClient
from ingestion.sources.hubspot.objects import CrmObject, objects_of
from ingestion.sources.hubspot.plan import Plan
from ingestion.sources.hubspot.rows import DEAL_STAGES, LINK_TYPE, links, record_type
from ingestion.sources.hubspot.scopes import MissingScopeError
from ingestion.sources.hubspot.settings import LABEL, HubSpotSource
from ingestion.sources.hubspot.tables import tables_of
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb

READERS = 4
"""Objects that are read at a time."""


def extract(
    context: ExtractContext, source: HubSpotSource, patience: Patience | None = None
) -> AbstractContextManager[Extraction]:
    """Read the portal; the batches can be taken until the context is left.

    Raises SourceError; nothing of the portal is then loaded.
    """

    def read(load: ApiLoad) -> None:
        _Extract(load, source, HubSpotClient(source, patience)).run()

    tables = tables_of(context.company.entities)
    return api_load(context, Place(LABEL, source.name), tables, read)


class _Extract:
    def __init__(self, load: ApiLoad, source: HubSpotSource, client: HubSpotClient) -> None:
        self.load, self.source, self.client = load, source, client
        self.connection, self.folder = load.connection, load.context.folder

    def run(self) -> None:
        """Read and compare everything that is wanted."""
        plans = self._plan_all()
        self._read_directory()
        self._fetch_all(plans)
        for plan in plans:
            self._compare_object(plan)

    def _read_directory(self) -> None:
        """Owners, teams and stages."""
        self.load.say("reading owners, teams and stages")
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        asked = Asked(read={"properties": {}}, more={"synced_to": now})
        entries = {
            "owners": directory.owners(self.client),
            "teams": directory.teams(self.client),
            "stages": directory.stages(self.client, self.source),
        }
        for table, rows in entries.items():
            create_rows(self.connection, table, self.load.tables[table], self.source.name, rows)
            self.load.compare(table, asked, is_whole=True, may_shrink=True)
        self.connection.execute(
            f"set variable {DEAL_STAGES} = "
            "(select list(stage_id) from \"stages rows\" where object = 'deals')"
        )

    def _plan_all(self) -> list[Plan]:
        """What to read of each object. Raises SourceError of all that is wrong."""
        objects = objects_of(self.load.context.company.entities)
        plans: list[Plan] = []
        refused: list[MissingScopeError] = []
        wrong = Gathered()
        for name in self.source.objects:
            with wrong.each():
                try:
                    plans.append(self._plan(objects[name]))
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
        last = self.load.last.get(crm_object.name)
        plan = Plan.of(
            self.source,
            crm_object,
            page.results,
            self.load.context.company.timezone,
            page.received_at,
            last,
        )
        self.load.warnings += plan.warnings(last)
        return plan

    def _fetch_all(self, plans: Iterable[Plan]) -> None:
        """Fetch all objects, several at a time."""
        fetches = [partial(self._fetch, plan) for plan in plans]
        side_by_side(READERS, fetches, self.client.stop)

    def _fetch(self, plan: Plan) -> None:
        """Take in an object's records and their associations."""
        members = record_type(plan.reading.properties, plan.reading.history_asked)
        with self.connection.cursor() as connection:
            with Intake(connection, f"{plan.name} records", members, self.folder) as intake:
                for records in self._records(plan):
                    intake.add(records)
            for to_object in plan.reading.links:
                self._fetch_links(connection, plan.name, to_object)

    def _fetch_links(
        self, connection: duckdb.DuckDBPyConnection, name: str, to_object: str
    ) -> None:
        """Take in the associations of all records that were read with those of another object."""
        ids = connection.cursor().execute(f"select distinct id from {quote(f'{name} records')}")
        with Intake(connection, f"{name} {to_object}", LINK_TYPE, self.folder) as intake:
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
        self.load.compare(name, plan.asked(), is_whole=plan.since is None)
        if crm_object.history:
            self.connection.execute(
                f"create table {quote('property_history rows')} as {plan.reading.history()}"
            )
            asked = Asked(read={"properties": {}}, more={"synced_to": plan.until})
            self.load.compare("property_history", asked, is_whole=False, key="object_id")

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
        if self.load.last[plan.name].rows_rejected:
            yield from self.load.state.rejected(plan.name)["source_id"].to_pylist()
        modified = plan.reading.crm_object.modified
        for page in self.client.modified(plan.name, modified, plan.since, plan.until):
            yield from (record["id"] for record in page.results)

    def _archived(self, plan: Plan) -> Iterator[str]:
        """Ids of archived records that raw does not know to be archived at that moment."""
        known: set[tuple[str, dt.datetime]] = set()
        if plan.since is not None:
            table = self.load.state.deletions(plan.name)
            known = set(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
        pages = self.client.pages(plan.path, ARCHIVED, limit=PAGE, archived="true")
        for page in pages:
            for record in page.results:
                if (record["id"], _moment(record["archivedAt"])) not in known:
                    yield record["id"]

    def _counted(
        self, name: str, pages: Iterable[list[dict[str, Any]]]
    ) -> Iterator[list[dict[str, Any]]]:
        """Pages as they are, with a word on progress now and then."""
        count = 0
        for number, records in enumerate(pages):
            count += len(records)
            if number % 100 == 0:
                self.load.say(f"reading {name}: {count:,}")
            yield records


def _groups(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(ids)
    while some := list(islice(rest, size)):
        yield some


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).replace(tzinfo=None)
