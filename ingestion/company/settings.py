"""What company.yml may say of a company, as validated settings, defaults filled in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Union
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ingestion.company.calendar import Calendar
from ingestion.company.goals import Goal
from ingestion.contract.columns import Entity
from ingestion.extension.extra import Extra, with_extra
from ingestion.extension.folder import Extension
from ingestion.settings import Currency, Locale, Settings, Zone
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.sources.source_type import SourceSettings

if TYPE_CHECKING:
    Source = SourceSettings
else:
    _MODELS = tuple(source_type.settings for source_type in SOURCE_TYPES.values())
    Source = Annotated[Union[_MODELS], Field(discriminator="type")]  # noqa: UP007

MOMENTS = (
    "write a date such as 2024-03-31, which is that day's last moment, "
    "or a time such as 2024-03-31T18:00 or 2024-03-31T18:00+02:00"
)


class Retention(Settings):
    """How much of the past stays: `runs` whose logs and events do, and old `warehouses`."""

    runs: int = Field(10, ge=1)
    warehouses: int = Field(2, ge=0)


def as_word(text: str) -> str:
    """A word as the models compare it with that of a setting: macros/settings.sql."""
    return re.sub("[ -]", "_", text.strip(" ").lower())


def _no_word_twice(values: Mapping[str, str]) -> Mapping[str, str]:
    known: dict[str, str] = {}
    for word in values:
        other = known.setdefault(as_word(word), word)
        if other != word:
            raise ValueError(f"'{other}' and '{word}' are one word; keep one of them")
    return values


class Finance(Settings):
    """What the numbers of finance rest on that no source tells.

    `gross_margin` is the share of revenue that is left after its cost, `lifetime_months_max` the
    longest life that a customer's value is reckoned with. The others say of a source's own words
    of state what counts, by word.
    """

    gross_margin: float | None = Field(None, gt=0, le=1)
    lifetime_months_max: int = Field(60, ge=1)
    subscription_statuses: Mapping[str, Literal["counts", "does_not_count"]] = {}
    invoice_statuses: Mapping[str, Literal["counts", "written_off", "does_not_count"]] = {}

    _no_word_twice = field_validator("subscription_statuses", "invoice_statuses")(_no_word_twice)


class Marketing(Settings):
    """What the numbers of marketing rest on that no source tells.

    `cost_teams` says what the costs of a team are for, `qualified_by` which moment of a lead
    qualifies it.
    """

    cost_teams: Mapping[str, Literal["marketing", "sales", "other"]] = {}
    qualified_by: Literal["qualified_at", "accepted_at", "converted_at"] = "qualified_at"

    _no_word_twice = field_validator("cost_teams")(_no_word_twice)


class Audience(Settings):
    """Who may read what of people.

    `people` says who may open the file of what is about single people, `reps` how reps and managers
    are called in all that is published.
    """

    people: Literal["owner", "group", "all"] = "owner"
    reps: Literal["names", "ids"] = "names"


class Company(Settings):
    """A company: what company.yml says, defaults filled in.

    `locale` says how numbers and days are written. `as_of` is the moment that counts as now, as
    written; `moment` says what a bare date means. `closing` is what dates a deal's closing where
    both do: its `record`, or the move `told` by its history. `rejected_tolerance` is the share of
    an entity's rows that may break the contract before the audit fails. `sandbox` says that the
    company is a simulated one: runs start its systems and read from them, and now is its own
    present. `team`: whether a deal counts for the team and manager that its rep had then, or has
    now. `personal_quotas`: ids of owners whose quotas are their own, though somebody reports to
    them. `calendar`: when it works. `goals`: what is to be reached. `finance` and `marketing`: what
    their numbers rest on that no source tells. `audience`: who may read what of people.
    `retention`: what of past runs stays. `extend` is the folder of what the company has of its own,
    `extra` the columns that it adds.
    """

    path: Path
    name: str = Field(min_length=1)
    currency: Currency
    timezone: Zone
    locale: Locale = "en"
    fiscal_year_start_month: int = Field(1, ge=1, le=12)
    as_of: dt.datetime | dt.date | None = None
    closing: Literal["record", "told"] = "record"
    rejected_tolerance: float = Field(0.01, ge=0, le=1)
    destination: Literal["duckdb", "postgres"] = "duckdb"
    sandbox: bool = False
    team: Literal["then", "now"] = "then"
    personal_quotas: tuple[str, ...] = ()
    calendar: Calendar = Calendar()
    goals: tuple[Goal, ...] = ()
    finance: Finance = Finance()
    marketing: Marketing = Marketing()
    audience: Audience = Audience()
    retention: Retention = Retention()
    extend: Path | None = None
    extra: Extra
    sources: tuple[Source, ...]

    @field_validator("as_of", mode="before")
    @classmethod
    def _written_moment(cls, value: object) -> object:
        if value is None or isinstance(value, dt.date):
            return value
        try:
            return read_moment(str(value))
        except ValueError:
            raise ValueError(f"not a moment; {MOMENTS}") from None

    @field_validator("extend")
    @classmethod
    def _beside_company_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is None:
            return None
        found = ((info.context or {}).get("folder", Path()) / path).resolve()
        if not found.is_dir():
            raise ValueError(f"no such folder ({found}); paths are relative to the company file")
        return found

    @field_validator("sources")
    @classmethod
    def _unique_names(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        if not sources:
            raise ValueError("at least one source is needed")
        names = [source.name for source in sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are named '{name}'; names must be unique")
        return sources

    @model_validator(mode="after")
    def _has_letters(self) -> Company:
        if not self.slug:
            raise ValueError("'name' needs at least one letter or digit")
        return self

    @model_validator(mode="after")
    def _within_reach(self) -> Company:
        try:
            _ = self.own_as_of
        except OverflowError:
            raise ValueError(f"'as_of' is out of reach; {MOMENTS}") from None
        return self

    @property
    def slug(self) -> str:
        """Name of the company's folder under data/: lower case, words joined by underscores."""
        return slug_of(self.name)

    @property
    def source_types(self) -> tuple[str, ...]:
        """The types of the company's sources, each once, sorted."""
        return tuple(sorted({source.type for source in self.sources}))

    @property
    def extension(self) -> Extension:
        """The KPIs, marts and audit rules that the company has of its own."""
        return Extension(self.extend)

    @property
    def entities(self) -> Mapping[str, Entity]:
        """The entities of the contract, with the columns that the company adds."""
        return with_extra(self.extra)

    @property
    def own_as_of(self) -> dt.datetime | None:
        """The moment of `as_of`, in UTC without zone; None where company.yml has none."""
        return self.moment(self.as_of) if self.as_of else None

    def moment(self, value: dt.datetime | dt.date) -> dt.datetime:
        """A moment in UTC, without zone: naive times are the company's own.

        A bare date is that day's last moment there: the later one where the clocks show it twice,
        the one before their leap where they skip it.
        """
        if not isinstance(value, dt.datetime):
            value = dt.datetime.combine(value, dt.time.max.replace(fold=1))
        if value.tzinfo is None:
            value = value.replace(tzinfo=ZoneInfo(self.timezone))
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def local(self, moment: dt.datetime) -> dt.datetime:
        """A moment in UTC, without zone, on the company's clocks."""
        return moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(self.timezone))


def read_moment(text: str) -> dt.datetime | dt.date:
    """A moment as written: a bare date, or a time. Raises ValueError when it is neither."""
    return dt.date.fromisoformat(text) if len(text) <= 10 else dt.datetime.fromisoformat(text)


def slug_of(name: str) -> str:
    """A name in lower case, words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
