"""Extracts an advertising platform: the window of each account's days, compared with what is known.

Each account is read from the first day that is wanted when no load has read it, or one that asked
for other figures; afterwards the days that the platform still restates are read again (see
`restated`). A connector's `extract` and `check` call those of this module with a function that
makes its reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from functools import partial

from ingestion.contract.columns import Column
from ingestion.errors import Gathered
from ingestion.http import MalformedAnswerError, Place
from ingestion.loading.api_check import api_check
from ingestion.loading.api_load import ApiLoad, api_load
from ingestion.loading.delta import Delta
from ingestion.loading.guards import ENOUGH, MIN_SHARE
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.loading.restated import ONE_DAY, Scope, Window
from ingestion.loading.rows import create_rows
from ingestion.loading.side_by_side import side_by_side
from ingestion.sources.ads.access import Access
from ingestion.sources.ads.plan import Plan, refuse_to_come, today_of
from ingestion.sources.ads.reader import Account, AdsReader, Row
from ingestion.sources.ads.rows import Taken, create_ads_rows, create_rows_of
from ingestion.sources.ads.settings import AdsSource
from ingestion.sources.ads.totals import Totals

READERS = 4
"""Lists and reports that are read at a time."""


def extract(
    context: ExtractContext,
    source: AdsSource,
    label: str,
    tables: Mapping[str, tuple[Column, ...]],
    connect: Callable[[], AdsReader],
) -> AbstractContextManager[Extraction]:
    """Read the accounts; the batches can be taken until the context is left.

    `label` is the platform's name, `tables` are those of `tables_with`; `connect` makes the reader
    of the source. Raises SourceError; nothing of the source is then loaded.
    """

    def read(load: ApiLoad) -> None:
        _Extract(load, source, connect()).run()

    return api_load(context, Place(label, source.name), tables, read)


def check(
    context: ExtractContext,
    source: AdsSource,
    label: str,
    url: str,
    connect: Callable[[], AdsReader],
) -> SourceCheck:
    """Whether there is access to all accounts that would be read, and to a day of one of them.

    `connect` makes a reader that does not wait long (`IN_SECONDS`).
    """
    context.progress(f"{source.name}: asking for accounts, and for yesterday of one of them")
    place = Place(label, source.name)

    def ask(wrong: Gathered) -> None:
        reader = connect()
        listing = reader.listing()
        accounts = Access.of(source, listing, reader.way_in).read
        for account in accounts:
            refuse_to_come(source, account, today_of(account, listing, place), place)
        for account in accounts[:1]:
            yesterday = today_of(account, listing, place) - ONE_DAY
            next(reader.campaign_days(account, Window(yesterday, yesterday)), None)

    return api_check(source, place, url, ask)


class _Extract:
    def __init__(self, load: ApiLoad, source: AdsSource, reader: AdsReader) -> None:
        self.load, self.source, self.reader = load, source, reader
        self.connection, self.tables = load.connection, load.tables
        self.kinds: set[str] = set()
        self.totals = Totals()

    def run(self) -> None:
        """Read and compare everything that is wanted."""
        self.load.say("reading accounts")
        listing = self.reader.listing()
        self.access = Access.of(self.source, listing, self.reader.way_in)
        self.plan = Plan.of(self.source, self.reader, listing, self.access.read, self.load)
        self._read_all()
        self._compare_all(listing.accounts)
        self.load.warnings += [
            *self.access.warnings(self.source, self.plan.before),
            *self.plan.warnings,
            *self._kinds_of_no_campaign(),
            *self.reader.warnings(),
        ]

    def _read_all(self) -> None:
        """Take in what there is of each account, several lists at a time."""
        reads = [
            partial(read, account)
            for account in self.access.read
            if account.id in self.plan.windows
            for read in (
                self._read_campaigns,
                self._read_days,
                self._read_account_days,
                self._read_ad_days,
            )
        ]
        with Taken(self.connection, self.tables, self.load.context.folder) as self.taken:
            side_by_side(READERS, reads, self.reader.stop)

    def _read_campaigns(self, account: Account) -> None:
        channels, other = self.source.channels, self.source.channel
        pages = self.reader.campaigns(account)
        for page in self._counted(f"campaigns of account {account.id}", pages):
            for row in page:
                kind = row.get("kind") or ""
                self.kinds.add(kind)
                channel = channels.get(kind, other)
                more = {"account": account.id, "currency": account.currency, "channel": channel}
                self.taken.add("campaigns", [{**row, **more}])

    def _kinds_of_no_campaign(self) -> Iterator[str]:
        """Kinds to which company.yml gives a channel, and of which nothing is."""
        if unknown := sorted(self.source.channels.keys() - self.kinds):
            known = ", ".join(sorted(self.kinds - {""})) or "none"
            yield f"channels: no campaign is of kind {', '.join(unknown)}; there are: {known}"

    def _read_days(self, account: Account) -> None:
        pages = self.reader.campaign_days(account, self.plan.windows[account.id])
        self._take_days("campaign_days", "campaigns' days", account, pages)

    def _read_ad_days(self, account: Account) -> None:
        pages = self.reader.ad_days(account, self.plan.windows[account.id])
        self._take_days("ad_days", "ads' days", account, pages)

    def _read_account_days(self, account: Account) -> None:
        pages = self.reader.account_days(account, self.plan.windows[account.id])
        for page in self._asked_for("days", account, pages):
            self.totals.add(account, page, self.load.place)

    def _take_days(
        self, table: str, name: str, account: Account, pages: Iterable[Sequence[Row]]
    ) -> None:
        """Take in days of an account. Raises MalformedAnswerError of one not asked for."""
        today = self.plan.windows[account.id].until.isoformat()
        for page in self._asked_for(name, account, pages):
            self.taken.add(
                table,
                ({**row, "is_partial": row["day"] == today} for row in page),
                account=account.id,
                currency=account.currency,
            )

    def _asked_for(
        self, name: str, account: Account, pages: Iterable[Sequence[Row]]
    ) -> Iterator[Sequence[Row]]:
        """Pages of an account's days. Raises MalformedAnswerError of a day not asked for."""
        window = self.plan.windows[account.id]
        first, today = window.since.isoformat(), window.until.isoformat()
        told = f"{name} of account {account.id}, {window.since} to {window.until}"
        for page in self._counted(told, pages):
            for row in page:
                if not first <= str(row.get("day")) <= today:
                    raise MalformedAnswerError(
                        self.load.place, f"asked for {told}, it tells of {row.get('day')!r}"
                    )
            yield page

    def _counted(self, told: str, pages: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
        """Pages as they are, with a word on progress now and then."""
        self.load.say(f"reading {told}")
        count = 0
        for number, page in enumerate(pages, 1):
            count += len(page)
            if number % 50 == 0:
                self.load.say(f"reading {told}: {count:,}")
            yield page

    def _compare_all(self, accounts: Sequence[Account]) -> None:
        """Make rows of what came in, and find what is new among them."""
        place, asked, tables = self.load.place, self.plan.asked(), self.tables
        for table in ("campaigns", "campaign_days", "ad_days"):
            create_rows_of(self.connection, table, tables[table], place)
        rows = [
            {"source_id": it.id, **{name: told or None for name, told in asdict(it).items()}}
            for it in self._with_what_was_told(accounts)
        ]
        create_rows(self.connection, "accounts", tables["accounts"], place.source, rows)
        create_ads_rows(self.connection, tables["ads"], place.source)
        lists = Scope(dict.fromkeys(self.plan.windows))
        days = Scope(self.plan.windows)
        self.load.compare("accounts", asked, is_whole=False)
        campaigns = self.load.compare("campaigns", asked, is_whole=True, within=lists)
        self.load.compare("ads", asked, is_whole=False)
        campaign_days = self.load.compare("campaign_days", asked, is_whole=True, within=days)
        # Ads that were deleted may leave the report: their campaigns' days have what they spent.
        ads = self.load.compare("ad_days", asked, is_whole=True, within=days, may_shrink=True)
        deleted = "The others count as deleted; see whether they are"
        by_none = (
            "What the others spent stays with their campaigns, by no ad; see whether ads were "
            "deleted"
        )
        self.load.warnings += [
            *_lost(campaigns, "campaigns", lists, deleted, most=ENOUGH),
            *_lost(campaign_days, "days of campaigns", days, deleted, most=ENOUGH),
            *_lost(ads, "days of ads", days, by_none),
            *self._without_figures(),
            *self.totals.warnings(self.connection, self.access.read, self.plan.windows),
        ]

    def _with_what_was_told(self, accounts: Sequence[Account]) -> Iterator[Account]:
        """The accounts; one that cannot be asked any more is called as it was when it could."""
        silent = [it.id for it in accounts if not it.is_readable]
        known: dict[str, Mapping[str, str | None]] = {}
        if silent and "accounts" in self.load.last:
            found = self.load.state.latest_rows("accounts", silent).to_pylist()
            known = {row["source_id"]: row for row in found}
        for it in accounts:
            before = known.get(it.id, {})
            yield replace(
                it,
                name=it.name or before.get("name"),
                currency=it.currency or before.get("currency") or "",
                timezone=it.timezone or before.get("timezone") or "",
            )

    def _without_figures(self) -> Iterator[str]:
        """Accounts that are read for the first time, and have campaigns and figures of no day."""
        found = self.connection.execute("""
            select account, count(*) from "campaigns rows" anti join "campaign_days rows"
            using (account) group by account order by account
        """)
        for account, campaigns in found.fetchall():
            if account not in self.plan.before:
                yield (
                    f"account {account} has campaigns ({campaigns:,}) and no figures of any day, "
                    f"{self.plan.windows[account].since} to {self.plan.windows[account].until}: "
                    f"see whether they have run; if so, {self.reader.way_in}"
                )


def _lost(
    delta: Delta, what: str, within: Scope, then: str, most: int | None = None
) -> Iterator[str]:
    """What is told of accounts of which little of what is known is told now.

    With `most`, of those of which so little was known that no load is refused for it.
    """
    for account, now, before in delta.shrunk_to():
        if now < MIN_SHARE * before and (most is None or before < most):
            yield (
                f"account {account}, {within.told(account)}: of {before:,} known {what} only "
                f"{now:,} are told now. {then}"
            )
