"""Insights: what is asked of them, and the rows that answer it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ingestion.sandbox.systems.meta_ads import actions
from ingestion.sandbox.systems.meta_ads.books import AD_STATUSES, CAMPAIGN_STATUSES, Books, Document
from ingestion.sandbox.systems.meta_ads.errors import DOCUMENTATION, ParameterError, TooLongAgoError
from ingestion.sandbox.systems.meta_ads.questions import Question
from ingestion.sandbox.world.ad_accounts import AdAccount
from ingestion.sandbox.world.calendar import Ints, day_number, day_of
from ingestion.sandbox.world.schema import (
    NONE,
)

Mask = npt.NDArray[np.bool_]

LEVELS = ("account", "campaign", "adset", "ad")
PARAMETERS = (
    "level", "time_range", "time_increment", "action_attribution_windows", "action_breakdowns",
    "action_report_time", "breakdowns", "filtering", "use_account_attribution_setting",
    "use_unified_attribution_setting",
)  # fmt: skip
DEFAULT_FIELDS = ("account_id", "campaign_id", "adset_id", "ad_id", "impressions", "spend")
NAMES = ("name", "id")
FIELDS = (
    *(f"{level}_{name}" for level in LEVELS for name in NAMES), "account_currency", "objective",
    "buying_type", "spend", "impressions", "clicks", "inline_link_clicks", "reach", "actions",
    "action_values", "date_start", "date_stop",
)  # fmt: skip
SUMMED = (
    "spend", "impressions", "clicks", "link_clicks", "conversions", "conversion_value",
    *actions.WINDOWS, *(f"value_{window}" for window in actions.WINDOWS),
)  # fmt: skip
STATUSES = {"ad.effective_status": AD_STATUSES, "campaign.effective_status": CAMPAIGN_STATUSES}
REACHED = 0.7


@dataclass(frozen=True)
class Filter:
    """One of `filtering`: which values a field may have."""

    field: str
    values: frozenset[str]
    is_in: bool

    def holds(self, value: str) -> bool:
        """Whether a value passes."""
        return (value in self.values) == self.is_in


@dataclass(frozen=True)
class Asked:
    """A report as it is asked for."""

    level: str
    since: dt.date
    until: dt.date
    by_day: bool
    fields: Sequence[str]
    windows: Sequence[str]
    filters: Sequence[Filter]


def asked(question: Question, account: AdAccount, books: Books, level: str) -> Asked:
    """What a request for insights asks for: of a node that is of this level, unless it says."""
    question.refuse_unknown(PARAMETERS)
    fields = question.fields() or list(DEFAULT_FIELDS)
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        verb = "is" if len(unknown) == 1 else "are"
        raise ParameterError(
            f"{', '.join(unknown)} {verb} not valid for fields param. please check "
            f"{DOCUMENTATION}/marketing-api/reference/ads-insights/ for all valid values"
        )
    level = question.text("level", LEVELS[LEVELS.index(level) :], level)
    today = books.today(account)
    # Without a range Meta takes the last 30 days, today not among them.
    since, until = question.days() or (today - dt.timedelta(30), today - dt.timedelta(1))
    if since < books.began(account):
        raise TooLongAgoError(
            "The start date of the time range cannot be beyond 37 months from the current date"
        )
    increment = str(question.given.get("time_increment", "all_days"))
    if increment not in ("1", "all_days"):
        raise ParameterError(f"the sandbox serves no time_increment '{increment}'")
    _refuse_what_is_not_served(question)
    return Asked(
        level=level,
        since=since,
        until=until,
        by_day=increment == "1",
        fields=fields,
        windows=_windows(question),
        filters=_filters(question),
    )


def _windows(question: Question) -> list[str]:
    """The attribution windows that are asked for, in an order of their own."""
    found = question.words("action_attribution_windows") or []
    for position, window in enumerate(found):
        if window not in (*actions.WINDOWS, "default"):
            allowed = ", ".join((*actions.WINDOWS, "default"))
            raise ParameterError(
                f"action_attribution_windows[{position}] must be one of the following values: "
                f"{allowed}"
            )
    return [window for window in actions.WINDOWS if window in found]


def _filters(question: Question) -> list[Filter]:
    """What `filtering` asks for."""
    found = question.documents("filtering") or []
    if not isinstance(found, list):
        raise ParameterError("Param filtering must be an array.")
    return [_filter(document) for document in found]


def _filter(document: Any) -> Filter:
    if not isinstance(document, dict) or set(document) != {"field", "operator", "value"}:
        raise ParameterError("filtering: each must have a field, an operator and a value")
    field, operator, value = document["field"], document["operator"], document["value"]
    if field not in (*STATUSES, "ad.id", "adset.id", "campaign.id"):
        raise ParameterError(f"Filtering field {field} is invalid")
    values = value if isinstance(value, list) else [value]
    if operator not in ("IN", "NOT_IN", "EQUAL", "NOT_EQUAL"):
        raise ParameterError(f"Filtering field '{field}' with operation '{operator}' is invalid")
    if field in STATUSES and not set(values) <= set(STATUSES[field]):
        raise ParameterError(f"Filtering field '{field}' has an invalid value")
    return Filter(field, frozenset(map(str, values)), operator in ("IN", "EQUAL"))


def _refuse_what_is_not_served(question: Question) -> None:
    """Parameters that change the numbers in ways that the world does not tell."""
    plain = {
        "action_breakdowns": (["action_type"],), "breakdowns": ([],),
        "action_report_time": (["impression"], ["mixed"]),
        "use_account_attribution_setting": (["true"], ["false"]),
        "use_unified_attribution_setting": (["false"],),
    }  # fmt: skip
    for name, served in plain.items():
        given = question.given.get(name)
        words = [str(given).lower()] if isinstance(given, bool) else question.words(name)
        if words is not None and words not in served:
            raise ParameterError(f"the sandbox serves no {name}={','.join(words)}")


class Report:
    """The rows that answer a question, of some campaigns (rows of the world), as they are now."""

    def __init__(self, asked: Asked, account: AdAccount, campaigns: Ints, books: Books) -> None:
        self.asked, self.account, self._books = asked, account, books
        figures = books.figures
        wanted = np.isin(figures["campaign"], campaigns)
        wanted &= figures["day"] >= day_number(asked.since)
        wanted &= figures["day"] <= day_number(asked.until)
        wanted &= self._passing(figures)
        rows = np.flatnonzero(wanted)
        keys = np.stack([self._days(figures["day"][rows]), *self._keys(figures, rows)], axis=1)
        self._keys_found, place = np.unique(keys, axis=0, return_inverse=True)
        sums = np.zeros((len(self._keys_found), len(SUMMED)), np.int64)
        np.add.at(sums, place.ravel(), np.stack([figures[name][rows] for name in SUMMED], axis=1))
        self._sums = sums

    def __len__(self) -> int:
        return len(self._keys_found)

    def row(self, position: int) -> Document:
        """One row, as it is served."""
        day, *key = self._keys_found[position].tolist()
        figures = dict(zip(SUMMED, self._sums[position].tolist(), strict=True))
        told = self._told(key) | self._shown(figures, key)
        dates = (day_of(day), day_of(day)) if self.asked.by_day else self._range
        return {
            **{name: told[name] for name in self.asked.fields if name in told},
            "date_start": dates[0].isoformat(),
            "date_stop": dates[1].isoformat(),
        }

    @property
    def _range(self) -> tuple[dt.date, dt.date]:
        return self.asked.since, self.asked.until

    def _days(self, days: Ints) -> Ints:
        return days if self.asked.by_day else np.zeros_like(days)

    def _passing(self, figures: Mapping[str, Ints]) -> Mask:
        """Which rows pass the filters; of ads alone also: what is no ad's, or of a deleted one.

        A campaign's own figures are of all its ads, the deleted ones too. Filters of ads are
        about ads whatever the level: a campaign then has what those ads have.
        """
        books, filters = self._books, list(self.asked.filters)
        passing = np.ones(len(figures["day"]), bool)
        by_ad = [found for found in filters if not found.field.startswith("campaign.")]
        if self.asked.level in ("ad", "adset") or by_ad:
            passing &= figures["ad"] != NONE
        if self.asked.level == "ad" and not any(f.field == "ad.effective_status" for f in filters):
            filters = [*filters, Filter("ad.effective_status", frozenset({"DELETED"}), False)]
        for found in filters:
            column = "campaign" if found.field.startswith("campaign.") else "ad"
            passing &= np.isin(figures[column], books.passing(found.field, found.holds))
        return passing

    def _keys(self, figures: Mapping[str, Ints], rows: Ints) -> list[Ints]:
        """What a row is of, besides its day: nothing, a campaign, a group, an ad."""
        depth = LEVELS.index(self.asked.level)
        campaign, ad = figures["campaign"][rows], figures["ad"][rows]
        if depth < 2:
            return [campaign][:depth]
        first = self._books.first_of_adset
        adset = np.array([first[row] for row in ad.tolist()], np.int64)
        return [campaign, adset, ad][:depth]

    def _told(self, key: list[int]) -> Document:
        """What a row is of, by name and id."""
        told: Document = {
            "account_id": self.account.id,
            "account_name": self.account.name,
            "account_currency": self.account.currency,
        }
        if key:
            campaign = self._books.campaign_of[key[0]]
            told |= {
                "campaign_id": campaign.id,
                "campaign_name": campaign.name,
                "objective": campaign.objective,
                "buying_type": "AUCTION",
            }
        if len(key) > 1:
            ad = self._books.ad_of[key[-1]]
            told |= {"adset_id": ad.adset_id, "adset_name": ad.adset_name}
            if len(key) > 2:
                told |= {"ad_id": ad.id, "ad_name": ad.name}
        return told

    def _shown(self, figures: Mapping[str, int], key: list[int]) -> Document:
        """A row's figures: all of them text."""
        types = {actions.LINK_CLICK, *actions.CONVERSION_TYPES}
        if not key or (len(key) == 1 and not self._books.campaign_of[key[0]].has_leads):
            types -= set(actions.CONVERSION_TYPES)
        windows = self.asked.windows
        lists = {
            "actions": actions.actions(figures, windows, types),
            "action_values": actions.action_values(figures, windows, types),
        }
        return {
            "spend": actions.money(figures["spend"]),
            "impressions": str(figures["impressions"]),
            "reach": str(int(figures["impressions"] * REACHED)),
            "clicks": str(figures["clicks"]),
            "inline_link_clicks": str(figures["link_clicks"]),
            **{name: found for name, found in lists.items() if found},
        }
