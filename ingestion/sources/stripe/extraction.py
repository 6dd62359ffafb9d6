"""Extracts a Stripe account: all of it the first time, then what events tell to have changed.

Every list is read whole when there is no earlier load, when other things are to be read than then,
or when the last load is older than the events that Stripe keeps. Otherwise the events since the
last load, less LAG, give the ids of what changed, and each object is read once more, as it is now.
Events are asked for again after that, until there are no new ones: what is taken in then is what
they tell of. Lists of which no event tells are listed each time (see StripeList).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import partial

import orjson

from ingestion.errors import Gathered, SourceError
from ingestion.http import Patience, Place
from ingestion.loading.api_check import IN_SECONDS, api_check
from ingestion.loading.api_load import ApiLoad, api_load
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.loading.side_by_side import side_by_side
from ingestion.sources.stripe.client import ForbiddenError, StripeClient
from ingestion.sources.stripe.comparing import Comparison
from ingestion.sources.stripe.doubts import doubts, unknown
from ingestion.sources.stripe.history import History
from ingestion.sources.stripe.intake import Taken
from ingestion.sources.stripe.lists import DISCOUNTS, EVENTS, LISTS, StripeList, lists_of
from ingestion.sources.stripe.members import Document
from ingestion.sources.stripe.money import MinorUnits
from ingestion.sources.stripe.plan import LAG, Plan
from ingestion.sources.stripe.rows import Rows, removed_discount
from ingestion.sources.stripe.settings import LABEL, StripeSource
from ingestion.sources.stripe.states import seconds
from ingestion.sources.stripe.tables import TABLES

READERS = 4
"""Requests that are under way at a time."""
LINES = "invoice_lines"
ROUNDS = 5
"""How often new events are asked for while others come in."""


def extract(
    context: ExtractContext, source: StripeSource, patience: Patience | None = None
) -> AbstractContextManager[Extraction]:
    """Read the account; the batches can be taken until the context is left.

    Raises SourceError; nothing of the account is then loaded.
    """

    def read(load: ApiLoad) -> None:
        _Extract(load, source, StripeClient(source, patience)).run()

    return api_load(context, Place(LABEL, source.name), TABLES, read)


def check(
    context: ExtractContext, source: StripeSource, patience: Patience = IN_SECONDS
) -> SourceCheck:
    """Whether there is a key that may read all lists that would be read."""
    context.progress(f"{source.name}: asking for the first object of each list")

    def ask(wrong: Gathered) -> None:
        _ask_all(StripeClient(source, patience), source, wrong)

    return api_check(source, Place(LABEL, source.name), source.url, ask)


def _ask_all(client: StripeClient, source: StripeSource, wrong: Gathered) -> None:
    """Ask each list for one object; what the key may not read is kept in `wrong`."""
    for path, params in [(EVENTS, {}), *((it.path, it.asked) for it in lists_of(source.entities))]:
        try:
            next(client.pages(path, params, limit=1))
        except ForbiddenError as error:
            wrong.problems += error.problems


class _Extract:
    def __init__(self, load: ApiLoad, source: StripeSource, client: StripeClient) -> None:
        self.load, self.source, self.client = load, source, client
        self.lists = lists_of(source.entities)
        self.seen: set[str] = set()
        self.readings = 0
        self.gone: dict[str, set[str]] = {it.table: set() for it in self.lists}

    def run(self) -> None:
        """Read and compare everything that is wanted."""
        self.until = next(self.client.pages(EVENTS, {}, limit=1)).received_at
        self.plan = Plan.of(self.source, self.load.last, self.until)
        self._refuse_another_account()
        rows = Rows(MinorUnits(self.source.name, self.source.minor_units), self.source.mapping)
        self.history = History(self.load, self.plan)
        folder = self.load.context.folder
        with Taken(self.load.connection, rows, self.lists, folder) as self.taken:
            changed = self._changed_since(self.plan.since)
            if self.plan.is_whole:
                self._refuse_forbidden()
                self._list_all()
            else:
                self._list_what_has_no_events()
                self._read_again(changed | self._rejected())
            self._catch_up()
            self.history.tell(self.taken)
            self._tell_removed_discounts()
            self._show_deleted_coupons()
            self._name_the_deleted()
        ended = self.history.ended
        Comparison(self.load, self.plan, self.taken, self.gone, ended, self.until).run(self.lists)
        self.load.warnings += self.plan.warnings(self.source)
        self.load.warnings += doubts(self.load, self.taken, self.gone, self.history.untold)

    def _changed_since(self, moment: dt.datetime) -> set[tuple[str, str]]:
        """What new events are about: lists and ids. Takes the events in."""
        self.load.say("reading events")
        self.readings += 1
        changed: set[tuple[str, str]] = set()
        pages = self.client.pages(EVENTS, {"created[gte]": seconds(moment)})
        for number, page in enumerate(pages):
            if number == 0:
                self.until = page.received_at
            for event in page.results:
                found = self._about(event)
                if found and event["id"] not in self.seen:
                    self.seen.add(event["id"])
                    changed.add(found)
                    self.taken.objects("events", [event])
                    self.history.add(event, self.readings)
        return changed

    def _about(self, event: Document) -> tuple[str, str] | None:
        """The list and the id of what an event is about, where it is read."""
        about = event["data"]["object"]
        kind, id = about.get("object"), about.get("id")
        if kind == "discount":
            kind = "subscription" if about.get("subscription") else "customer"
            id = about.get(kind)
        found = next((it for it in self.lists if it.kind == kind and it.has_events), None)
        return (found.name, id) if found and id else None

    def _refuse_forbidden(self) -> None:
        """Raise SourceError of all lists that the key may not read, before any is."""
        wrong = Gathered()
        _ask_all(self.client, self.source, wrong)
        wrong.raise_any()

    def _list_all(self) -> None:
        """Take in all lists, several at a time."""
        lists = [partial(self._list, it, it.asked) for it in self.lists]
        side_by_side(READERS, lists, self.client.stop)

    def _list_what_has_no_events(self) -> None:
        since = {"created[gte]": seconds(self.plan.since)}
        for it in self.lists:
            if not it.has_events:
                self._list(it, it.asked if it.is_passing else {**it.asked, **since})

    def _list(self, listed: StripeList, params: dict[str, object]) -> None:
        """Take in a list, with a word on progress now and then."""
        count = 0
        for number, page in enumerate(self.client.pages(listed.path, params)):
            self.taken.objects(listed.table, map(self._completed, page.results))
            count += len(page.results)
            if number % 100 == 0:
                self.load.say(f"reading {listed.name}: {count:,}")

    def _completed(self, found: Document) -> Document:
        """An object with all that it is made of: lists in it hold ten."""
        match found["object"]:
            case "invoice" if found["lines"]["has_more"] and LINES in self.taken.tables:
                lines = self.client.everything(f"/v1/invoices/{found['id']}/lines", {})
                return {**found, "lines": {**found["lines"], "data": lines}}
            case "subscription" if found["items"]["has_more"]:
                params = {"subscription": found["id"], "expand[]": ["data.discounts"]}
                items = self.client.everything("/v1/subscription_items", params)
                return {**found, "items": {**found["items"], "data": items}}
        return found

    def _read_again(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Take in objects by list and id, several at a time."""
        asked = sorted(wanted)
        if asked:
            self.load.say(f"reading what changed: {len(asked):,}")
        objects = [partial(self._read_one, LISTS[it], id) for it, id in asked]
        side_by_side(READERS, objects, self.client.stop)

    def _read_one(self, listed: StripeList, id: str) -> None:
        found = self.client.one(listed, id)
        if found is None:
            self.gone[listed.table].add(id)
            self.taken.without(listed.table, id)
        else:
            self.taken.objects(listed.table, [self._completed(found)])

    def _rejected(self) -> set[tuple[str, str]]:
        """What was rejected before, or is made of something that was: lists and ids."""
        found: set[tuple[str, str]] = set()
        for it in self.lists:
            for table, column in {it.table: "", **it.parts}.items():
                if not self.load.last[table].rows_rejected:
                    continue
                for row in self.load.state.rejected(table).to_pylist():
                    id = orjson.loads(row["record"])[column] if column else row["source_id"]
                    found.add((it.name, id))
        return found

    def _catch_up(self) -> None:
        """Read again what changed while the rest was read."""
        begun = self.until
        for _ in range(ROUNDS):
            changed = self._changed_since(begun - LAG)
            if not changed:
                return
            self._read_again(changed)

    def _tell_removed_discounts(self) -> None:
        """Take in discounts that came and went between two loads: only an event tells of them."""
        removed = set(self.history.ended)
        for table in DISCOUNTS:
            removed -= self.taken.ids[table]
            if table in self.load.last:
                known = self.load.state.latest(table, sorted(removed))
                removed -= set(known["source_id"].to_pylist())
        for id in sorted(removed):
            if shown := self.history.shown.get(id):
                table, row = removed_discount(shown, self.history.ended[id])
                if table in self.taken.tables:
                    self.taken.row(table, row)
            else:
                self.history.untold.add(id)

    def _show_deleted_coupons(self) -> None:
        """Take in coupons that are in use and in no list: those that use them show them."""
        for id in unknown(self.load, self.taken, "coupon", "coupons"):
            used = self.client.coupons_of(self.taken.users[id])
            self.taken.objects("coupons", [it for it in used if it["id"] == id])

    def _name_the_deleted(self) -> None:
        """Take in customers that others name and no list has: as their latest invoice calls them.

        Those that earlier loads have are buried as they were.
        """
        for id in unknown(self.load, self.taken, "customer", "customers"):
            billed = self.taken.billed.get(id, {})
            name, email = billed.get("customer_name"), billed.get("customer_email")
            row = {"source_id": id, "is_deleted": True, "name": name, "email": email}
            self.taken.row("customers", row)

    def _refuse_another_account(self) -> None:
        """Raise SourceError where the account does not know who is known from earlier loads."""
        known = self.load.state.some_record("customers") if "customers" in self.load.last else None
        if known and not self.client.knows_customer(known):
            raise SourceError(
                f"{self.load.place}: there is no customer {known}, which earlier loads have: "
                f"the key in {self.source.key_env} is of another account, or of its other mode "
                "(test, live); set the key of the same one, read the other as a source of another "
                "name, or begin anew (FRESH=1)"
            )
