"""Reports of ads by day: asked for, awaited, and asked for in parts where they are too much."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from ingestion.errors import SourceError
from ingestion.http import NoAnswerError, Patience, Shape
from ingestion.loading.restated import Window
from ingestion.sources.meta_ads.client import (
    DAY,
    LIMITS,
    ROW,
    MetaAdsClient,
    TooMuchError,
    is_too_much,
)
from ingestion.sources.meta_ads.settings import WINDOWS

Level = Literal["account", "campaign", "ad"]
Row = dict[str, Any]

DAYS: dict[Level, int] = {"account": 93, "campaign": 93, "ad": 31}
"""Days that a report is first asked for. Each night's are one report of each level."""
ATTEMPTS = 4
"""How often the same report is asked for where it fails."""
LONGEST_WAIT = 10.0
MOST_SECONDS = 3_600.0
"""A report that takes longer is too much: Meta gives itself up to an hour."""

FIELDS = (
    "campaign_id", "spend", "impressions", "clicks", "actions",
    "action_values", "date_start", "date_stop",
)  # fmt: skip
NAMES = ("adset_id", "adset_name", "ad_id", "ad_name")
STATUSES: dict[Level, tuple[str, ...]] = {
    "campaign": ("ACTIVE", "ARCHIVED", "DELETED", "IN_PROCESS", "PAUSED", "WITH_ISSUES"),
    "ad": (
        "ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED",
        "IN_PROCESS", "PAUSED", "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED",
        "WITH_ISSUES",
    ),
}  # fmt: skip
"""All that there are. Unless it is asked for them, a report leaves deleted ones out."""


@dataclass(frozen=True)
class Question:
    """A report of an account: one row per campaign or ad, and day; of one campaign, if named."""

    account: str
    level: Level
    window: Window
    campaign: str | None = None

    @property
    def shape(self) -> Shape:
        """What each row has."""
        return ROW

    def asked(self) -> dict[str, object]:
        """The parameters of the request."""
        filters = [_among(f"{self.level}.effective_status", STATUSES[self.level])]
        if self.campaign:
            filters.append(_among("campaign.id", (self.campaign,)))
        return {
            "level": self.level,
            "time_increment": "1",
            "time_range": {"since": f"{self.window.since}", "until": f"{self.window.until}"},
            "fields": (*FIELDS, *(NAMES if self.level == "ad" else ())),
            "action_attribution_windows": WINDOWS,
            "filtering": filters,
        }

    def __str__(self) -> str:
        since, until = self.window.since, self.window.until
        days = f"{since}" if since == until else f"{since} to {until}"
        of = f" of campaign {self.campaign}" if self.campaign else ""
        return f"{self.level}s{of} of {days}"


class AccountDays(Question):
    """A report of an account as a whole: one row per day, with all that was spent then."""

    @property
    def shape(self) -> Shape:
        """What each row has."""
        return DAY

    def asked(self) -> dict[str, object]:
        """The parameters of the request: a filter would leave out what it does not name."""
        span = {"since": f"{self.window.since}", "until": f"{self.window.until}"}
        return {
            "level": "account",
            "time_increment": "1",
            "time_range": span,
            "fields": ("spend", "date_start", "date_stop"),
        }


class DeletedCampaigns(Question):
    """A report of an account: one row for each deleted campaign that has figures of any day."""

    def asked(self) -> dict[str, object]:
        """The parameters of the request."""
        return {
            **super().asked(),
            "time_increment": "all_days",
            "fields": ("campaign_id", "campaign_name", "objective"),
            "filtering": [_among("campaign.effective_status", ("DELETED",))],
        }


class Reports:
    """Reads reports through a client, each of which may take so many seconds.

    Where that is less than Meta itself gives them, one that takes longer is a NoAnswerError.
    """

    def __init__(
        self, client: MetaAdsClient, patience: Patience, most_seconds: float = MOST_SECONDS
    ) -> None:
        self._client, self._patience, self._most_seconds = client, patience, most_seconds

    def read(self, question: Question) -> Iterator[list[Row]]:
        """All rows of a report, in parts of some days each."""
        for window in question.window.slices(DAYS[question.level]):
            yield from self._read(replace(question, window=window))

    def deleted_campaigns(self, account: str, window: Window) -> list[Row]:
        """A row of each campaign that no list has any more, though it has figures: its name."""
        question = DeletedCampaigns(account, "campaign", window)
        found = {row["campaign_id"]: row for part in self._read(question) for row in part}
        return [found[id] for id in sorted(found)]

    def _read(self, question: Question) -> Iterator[list[Row]]:
        """The rows of a report, or of smaller ones where it is too much.

        A part of it is given only once it is there as a whole.
        """
        try:
            report = self._made(question)
            rows = [
                row for page in self._client.rows(report, question.shape) for row in page.results
            ]
        except TooMuchError as error:
            for smaller in self._smaller(question, error):
                yield from self._read(smaller)
        else:
            yield rows

    def _smaller(self, question: Question, error: TooMuchError) -> Iterator[Question]:
        """Halves of the days, or a day's campaigns one by one. Raises SourceError at the end."""
        if question.window.days > 1:
            for window in question.window.halves():
                yield replace(question, window=window)
        elif question.level == "ad" and question.campaign is None:
            day = replace(question, level="campaign")
            campaigns = {row["campaign_id"] for part in self._read(day) for row in part}
            for campaign in sorted(campaigns):
                yield replace(question, campaign=campaign)
        else:
            raise SourceError(
                f"{error}. That is the report of {question}, which cannot be asked for in smaller "
                "parts: begin later (`since` in company.yml), or ask Meta's support"
            )

    def _made(self, question: Question) -> str:
        """The id of a report that is complete; one that fails is asked for again."""
        place = self._client.place(f"act_{question.account}/insights")
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(min(self._patience.first_wait * 2**attempt, LONGEST_WAIT))
            report = self._client.begin(question.account, question.asked())
            run = self._awaited(report)
            if run is None:
                late = f"{place}: the report was not there after {self._most_seconds:,.0f} seconds"
                raise (TooMuchError if self._most_seconds >= MOST_SECONDS else NoAnswerError)(late)
            if run["async_status"] == "Job Completed":
                return report
            error = {
                "message": run.get("error_message"),
                "error_user_msg": run.get("error_user_msg"),
                "error_subcode": run.get("error_subcode"),
            }
            said = error["error_user_msg"] or error["message"] or run["async_status"]
            is_limited = run.get("error_code") in LIMITS
            if is_too_much(error):
                raise TooMuchError(f"{place}: {said}")
        if is_limited:
            raise NoAnswerError(f"{place}: {said}. Too much was asked of late; run again later")
        # Reports that fail time after time are mostly ones that are too much.
        raise TooMuchError(f"{place}: the report failed {ATTEMPTS} times; the last time: {said}")

    def _awaited(self, report: str) -> dict[str, Any] | None:
        """What becomes of a report; None where nothing does for too long."""
        wait, begun = self._patience.first_wait, time.monotonic()
        while time.monotonic() - begun < self._most_seconds:
            run = self._client.run(report)
            status, percent = run["async_status"], run["async_percent_completion"]
            if status in ("Job Failed", "Job Skipped"):
                return run
            if status == "Job Completed" and percent == 100:
                return run
            time.sleep(min(wait, LONGEST_WAIT))
            wait *= 2
        return None


def _among(field: str, values: tuple[str, ...]) -> dict[str, object]:
    return {"field": field, "operator": "IN", "value": values}
