"""What Google Ads has of accounts and of their days, as rows of the raw tables.

An answer leaves out figures that are 0, and days on which all of them are. Micros are millionths of
the account's currency.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ingestion.errors import SourceError
from ingestion.http import Patience
from ingestion.loading.restated import ONE_DAY, Window
from ingestion.sources.ads.reader import Account, AdsReader, Listing, Row
from ingestion.sources.google_ads import queries
from ingestion.sources.google_ads.client import GoogleAdsClient, Result
from ingestion.sources.google_ads.refusals import RefusedError
from ingestion.sources.google_ads.settings import GoogleAdsSource

KEPT = dt.timedelta(days=1_120)
"""Google gives the days of 37 months, and refuses to tell of those before; less a margin."""
DAYS, DAYS_OF_ADS = (31, 92), (7, 31)
"""How many days the first answer of a report has, and how many any has at most."""
FEW_ROWS, MANY_ROWS = 10_000, 40_000
"""An answer is held in memory: the next one is of more or fewer days where it had few or many."""
CLOSED = frozenset({"CANCELED", "CLOSED", "CUSTOMER_NOT_ENABLED"})
"""Of accounts in these states Google tells nothing; of one that is suspended it does."""
NO_END = "2037-12-30"
"""The last day of a campaign that has none, as Google used to tell it."""


class GoogleAdsReader(AdsReader):
    """Reads what one user may see of Google Ads."""

    def __init__(self, source: GoogleAdsSource, patience: Patience | None = None) -> None:
        self._source = source
        self._client = GoogleAdsClient(source, patience)
        self._managers: list[str] = []
        self.way_in = _way_in(source)

    @property
    def asked(self) -> object:
        """The figures are those of the queries, whichever version of the API answers them."""
        return {"query": queries.VERSION}

    def listing(self) -> Listing:
        """The accounts below the manager account, or those to which the user was added directly."""
        if self._source.manager:
            return self._below(self._source.manager)
        ids, at = self._client.accessible()
        found = [self._customer(id) for id in ids]
        accounts = [_account(it, None) for it in found if not it.get("manager")]
        self._managers = [it["id"] for it in found if it.get("manager")]
        self._refuse_named(self._managers)
        if self._managers and not accounts:
            raise SourceError(f"source {self._source.name}: {'; '.join(self._below_managers())}")
        return Listing(accounts, at)

    def _below(self, manager: str) -> Listing:
        answer = self._client.search(manager, queries.CLIENTS, "customerClient")
        found = {it["customerClient"]["id"]: it["customerClient"] for it in answer.results}
        self._refuse_named([id for id, it in found.items() if it.get("manager")])
        leaves = [_account(it, manager) for it in found.values() if not it.get("manager")]
        return Listing([self._as_it_answers(it) for it in leaves], answer.at)

    def _refuse_named(self, managers: Collection[str]) -> None:
        """Raise SourceError where company.yml wants figures of a manager account: it has none."""
        for id in self._source.accounts:
            if id in managers:
                raise SourceError(
                    f"source {self._source.name}: accounts: {id} is a manager account, which has "
                    "no figures of its own; write the ids of the accounts below it, or, to read "
                    f"them all, `manager: {id}` and no `accounts`"
                )

    def _as_it_answers(self, account: Account) -> Account:
        """An account that is neither in use nor closed is asked whether it can be read."""
        if account.is_readable and account.status != "ENABLED":
            try:
                self._client.search(account.id, queries.CUSTOMER, "customer")
            except RefusedError:
                return replace(account, is_readable=False)
        return account

    def _customer(self, id: str) -> Result:
        """What an account says of itself; of one that is closed not even that can be asked.

        That one is refused which nobody wants is no matter.
        """
        try:
            [found] = self._client.search(id, queries.CUSTOMER, "customer").results
        except RefusedError as error:
            wanted = self._source.accounts
            if "CUSTOMER_NOT_ENABLED" in error.codes:
                return {"id": id, "status": "CUSTOMER_NOT_ENABLED"}
            if not wanted or id in wanted:
                raise
            return {"id": id, "status": ", ".join(error.codes)}
        customer: Result = found["customer"]
        return customer

    def campaigns(self, account: Account) -> Iterator[Sequence[Row]]:
        """All campaigns of an account."""
        answer = self._client.search(account.id, queries.CAMPAIGNS, "campaign")
        yield [_campaign(it["campaign"], it.get("campaignBudget", {})) for it in answer.results]

    def campaign_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """What each campaign came to on each day."""
        return self._days(account, window, DAYS, queries.campaign_days, _campaign_day)

    def ad_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """What each ad came to on each day."""
        return self._days(account, window, DAYS_OF_ADS, queries.ad_days, _ad_day)

    def account_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        """What the account cost on each day: one row a day, so all are asked for at once."""
        query = queries.account_days(window.since, window.until)
        answer = self._client.search(account.id, query, "segments")
        yield [
            {"day": it["segments"]["date"], "spend": _figures(it.get("metrics", {}))["spend"]}
            for it in answer.results
        ]

    def _days(
        self,
        account: Account,
        window: Window,
        lengths: tuple[int, int],
        query: Callable[[dt.date, dt.date], str],
        row: Callable[[Result], Row],
    ) -> Iterator[Sequence[Row]]:
        """The rows of a report, asked for in ranges of days one after another."""
        since, (days, most) = window.since, lengths
        while since <= window.until:
            until = min(window.until, since + dt.timedelta(days=days - 1))
            results = self._client.search(account.id, query(since, until)).results
            yield [row(it) for it in results]
            since = until + ONE_DAY
            if len(results) < FEW_ROWS:
                days = min(2 * days, most)
            elif len(results) > MANY_ROWS:
                days = max(1, days // 2)

    def earliest(self, today: dt.date) -> dt.date:
        """The first day of which Google still tells."""
        return today - KEPT

    def warnings(self) -> Sequence[str]:
        """Accounts in reach that nobody reads, where company.yml does not say which it wants."""
        return () if self._source.accounts else self._below_managers()

    def _below_managers(self) -> list[str]:
        return [
            f"the user was added to the manager account {id}; to read the accounts below it, write "
            f"`manager: {id}` under the source"
            for id in self._managers
        ]

    def stop(self) -> None:
        """Let no request begin any more."""
        self._client.stop()


def _way_in(source: GoogleAdsSource) -> str:
    """How access to an account is given."""
    if source.manager:
        return (
            f"link it to the manager account {source.manager} in Google Ads (Accounts, "
            "Sub-account settings)"
        )
    return (
        "add the user whose refresh token is in the environment variable "
        f"{source.refresh_token_env} to it in Google Ads (Admin, Access and security); or, where "
        "it lies below a manager account of the user's, write that one's id as `manager` under the "
        f"source {source.name}"
    )


def _account(client: Result, manager: str | None) -> Account:
    status = client.get("status")
    return Account(
        id=client["id"],
        name=client.get("descriptiveName"),
        currency=client.get("currencyCode", ""),
        timezone=client.get("timeZone", ""),
        status=status,
        manager=manager,
        is_readable=status not in CLOSED,
    )


def _campaign(campaign: Result, budget: Result) -> Row:
    ended_on = _day(campaign.get("endDateTime"))
    return {
        "source_id": campaign["id"],
        "name": campaign.get("name"),
        "status": campaign.get("status"),
        "kind": campaign.get("advertisingChannelType"),
        "started_on": _day(campaign.get("startDateTime")),
        "ended_on": None if ended_on == NO_END else ended_on,
        "budget": _units(budget.get("totalAmountMicros")),
        "daily_budget": _units(budget.get("amountMicros")),
    }


def _campaign_day(result: Result) -> Row:
    return {
        "campaign": result["campaign"]["id"],
        "day": result["segments"]["date"],
        **_figures(result.get("metrics", {})),
    }


def _ad_day(result: Result) -> Row:
    group, ad = result["adGroup"], result["adGroupAd"]["ad"]
    return {
        **_campaign_day(result),
        "ad_group": group["id"],
        "ad_group_name": group.get("name"),
        "ad": ad["id"],
        "name": ad.get("name"),
    }


def _figures(metrics: Mapping[str, Any]) -> Row:
    return {
        "spend": _units(metrics.get("costMicros", "0")),
        "impressions": metrics.get("impressions", "0"),
        "clicks": metrics.get("clicks", "0"),
        "conversions": metrics.get("conversions", 0),
        "conversion_value": metrics.get("conversionsValue", 0),
    }


def _units(micros: str | None) -> str | None:
    """An amount of millionths in units, exactly."""
    return None if micros is None else f"{Decimal(micros).scaleb(-6):f}"


def _day(moment: str | None) -> str | None:
    """The day of a moment that is written in the account's time zone."""
    return moment[:10] if moment else None
