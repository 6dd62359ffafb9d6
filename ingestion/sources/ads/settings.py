"""What company.yml may say of any advertising platform."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from ingestion.sources.source_type import SourceSettings

ENTITIES = ("campaigns", "spend_daily")
Days = Annotated[int, Field(ge=1, le=1_000)]


class AdsSource(SourceSettings):
    """The accounts of an advertising platform, and how far back their days are read again.

    `accounts` are ids of those to read, by default all that the access shows; dashes and `act_`
    are left out. `since` is the first day that is read, by default three years before the first
    load. Each load reads the last `restated_days` again, once a week `restated_days_weekly`.
    `channels` gives the channel of campaigns by the platform's kind of them, `channel` that of all
    others.

    A subclass has `type`, the default of `channel`, and the access.
    """

    accounts: tuple[str, ...] = ()
    since: dt.date | None = None
    restated_days: Days = 30
    restated_days_weekly: Days = 90
    channel: Annotated[str, Field(min_length=1)] = "Paid Social"
    channels: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)

    @field_validator("accounts", mode="before")
    @classmethod
    def _plain_ids(cls, given: object) -> object:
        """Ids as the platform's answers have them: digits."""
        if not isinstance(given, list | tuple):
            return given
        ids = [plain_id(one) for one in given]
        if not ids:
            raise ValueError("it names no account: leave it out, to read all that the access shows")
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"'{twice[0]}' is named twice")
        return tuple(ids)

    @model_validator(mode="after")
    def _longer_weekly(self) -> Self:
        if self.restated_days_weekly < self.restated_days:
            raise ValueError(
                f"restated_days_weekly is {self.restated_days_weekly}, less than the "
                f"{self.restated_days} restated_days of every load; write at least as many"
            )
        return self

    @property
    def entities_given(self) -> tuple[str, ...]:
        """Campaigns and their spend, always both: spend is nothing without its campaign."""
        return ENTITIES

    def without(self, entities: Sequence[str]) -> str:
        """Campaigns and spend are read together."""
        return f"remove the source {self.name}"

    def gives(self, entity: str, column: str) -> bool:
        """Every platform has all columns of both."""
        return True


def version_like(pattern: str, example: str) -> BeforeValidator:
    """Validates the version of a platform's API, of which YAML may make a number."""

    def version(written: object) -> str:
        if isinstance(written, bool) or not re.fullmatch(pattern, str(written)):
            raise ValueError(f"no version of this API; write one as the platform does: {example}")
        return str(written)

    return BeforeValidator(version)


def plain_id(given: object) -> str:
    """The digits of an account's id. ValueError where it is none.

    >>> plain_id("730-100-0001"), plain_id("act_2301000001"), plain_id(508000001)
    ('7301000001', '2301000001', '508000001')
    """
    digits = str(given).strip().removeprefix("act_").replace("-", "")
    if isinstance(given, bool) or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"'{given}' is not the id of an account: digits, such as 7301000001")
    return digits
