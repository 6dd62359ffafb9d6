"""The days and hours on which a company works, as company.yml says it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ingestion.errors import one_of, shorten
from ingestion.settings import Settings

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
YEARS = range(1990, 2061)
"""The years of which holidays are known: the same whenever a run is."""

ENGLISH = "en_US"
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")


def _minutes(written: object) -> int:
    """Minutes from midnight of a time such as 09:00. YAML reads 17:00 as 1020, which they are."""
    if isinstance(written, int) and not isinstance(written, bool) and 60 <= written <= 24 * 60:
        return written
    if not (isinstance(written, str) and _TIME.fullmatch(written)):
        raise ValueError('not a time; write one such as "09:00", from "00:00" to "24:00"')
    hours, minutes = written.split(":")
    return int(hours) * 60 + int(minutes)


def _country(written: object) -> object:
    """A country's code. YAML reads NO, which is Norway, as false."""
    return "NO" if written is False else written


def _known_country(code: str) -> str:
    if code not in _countries():
        raise ValueError(
            "not a country whose holidays are known: write its code of ISO 3166, such as DE; "
            f"{one_of(code, _countries())}"
        )
    return code


def _named_days(written: object) -> object:
    """Days off as written: each bare, or with its name; as a list or a mapping."""
    if isinstance(written, Mapping):
        return dict(written)
    if not isinstance(written, list):
        return written
    days: dict[object, object] = {}
    for one in written:
        days |= one if isinstance(one, Mapping) else {one: "Day off"}
    return days


Time = Annotated[int, BeforeValidator(_minutes)]
Country = Annotated[str, BeforeValidator(_country), AfterValidator(_known_country)]
DaysOff = Annotated[Mapping[dt.date, str], BeforeValidator(_named_days)]


class Calendar(Settings):
    """When the company works: on which days of the week, from when to when, and when not.

    Times are minutes from midnight on the company's clocks. `country` and `subdivision` are ISO
    3166 codes; their public holidays are no working days, except `working` ones, by date or name.
    `holidays` are further days off.
    """

    country: Country | None = None
    subdivision: str | None = None
    working_days: tuple[Literal[WEEKDAYS], ...] = WEEKDAYS[:5]  # type: ignore[valid-type]
    opens: Time = 9 * 60
    closes: Time = 17 * 60
    holidays: DaysOff = {}  # noqa: RUF012
    working: tuple[dt.date | str, ...] = ()

    @field_validator("subdivision")
    @classmethod
    def _of_the_country(cls, code: str | None, info: ValidationInfo) -> str | None:
        if code is None or "country" not in info.data:
            return code
        if (country := info.data["country"]) is None:
            raise ValueError("a subdivision is one of a country; write `country` too")
        known = _countries()[country]
        if code not in known:
            what = one_of(code, known) if known else "it has none that differ"
            raise ValueError(f"not a subdivision of {country} whose holidays are known; {what}")
        return code

    @field_validator("working_days")
    @classmethod
    def _some_each_once(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        if not days or len(set(days)) < len(days):
            raise ValueError("write each day on which the company works once, at least one")
        return days

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Calendar:
        if self.opens >= self.closes:
            raise ValueError("'opens' must be before 'closes'")
        return self

    @model_validator(mode="after")
    def _works_on_holidays(self) -> Calendar:
        public = self._public_holidays()
        names = {name for names in public.values() for name in _names(names)}
        for day in self.working:
            if day in self.holidays:
                raise ValueError(f"{day} is in 'holidays' and in 'working'; keep one of them")
            if self.country is None:
                raise ValueError(
                    "'working' names public holidays of a country: write 'country' too"
                )
            if day not in public and day not in names:
                raise ValueError(
                    f"'working': {shorten(str(day))} is no public holiday of {self.country}; "
                    f"{one_of(str(day), names)}"
                )
        return self

    def days_off(self) -> dict[dt.date, str]:
        """The holidays, with their names, whichever day of the week they are."""
        worked = set(self.working)
        public = {
            day: name
            for day, name in self._public_holidays().items()
            if day not in worked and not worked.issuperset(_names(name))
        }
        return dict(sorted({**public, **self.holidays}.items()))

    def _public_holidays(self) -> dict[dt.date, str]:
        return _holidays(self.country, self.subdivision) if self.country else {}

    @property
    def variables(self) -> dict[str, Any]:
        """What the models read: days of the week from 1, Monday; times in minutes; days off."""
        return {
            "working_days": sorted(WEEKDAYS.index(day) + 1 for day in self.working_days),
            "opens": self.opens,
            "closes": self.closes,
            "holidays": {day.isoformat(): name for day, name in self.days_off().items()},
        }


def _names(name: str) -> set[str]:
    """The names of a day, on which several holidays may be, with and without "(observed)"."""
    return {it for one in name.split("; ") for it in (one, one.partition(" (")[0])}


@cache
def _countries() -> Mapping[str, list[str]]:
    """The countries whose holidays are known, each with the codes of its subdivisions."""
    import holidays

    return holidays.list_supported_countries()


@cache
def _holidays(country: str, subdivision: str | None) -> dict[dt.date, str]:
    """The public holidays, in English where they can be: never in whatever a machine speaks."""
    import holidays

    found = holidays.country_holidays(country, subdiv=subdivision, language=ENGLISH, years=YEARS)
    if ENGLISH not in found.supported_languages:
        language = found.default_language
        found = holidays.country_holidays(
            country, subdiv=subdivision, language=language, years=YEARS
        )
    return dict(found)
