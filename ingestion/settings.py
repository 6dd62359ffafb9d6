"""What the settings of a company and of its sources are made of."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ingestion.contract.currencies import CURRENCIES
from ingestion.errors import one_of

_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
Scalar = str | int | float | bool | dt.datetime | dt.date | None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"not a time zone; {one_of(name, _zones())}")
    return name


def _currency(written: str) -> str:
    code = written.strip().upper()
    if code not in CURRENCIES:
        raise ValueError(f"not an ISO 4217 currency code; {one_of(code, CURRENCIES)}")
    return code


def _locale(written: str) -> str:
    if not _LOCALE.fullmatch(written):
        raise ValueError(
            "not a locale; write a language and, if it matters, a country, as in en, de-CH or "
            "zh-Hant-TW (BCP 47)"
        )
    return written


def variable_of(what: str, example: str) -> AfterValidator:
    """Validates the name of the environment variable that holds a secret, which is `what`.

    Where the secret itself stands in its place by mistake, the error does not repeat it.
    """

    def name_of_a_variable(name: str) -> str:
        if not _VARIABLE.fullmatch(name):
            raise ValueError(
                f"not the name of an environment variable, in capitals, such as {example}; the "
                f"{what} itself belongs into that variable, never into this file"
            )
        return name

    return AfterValidator(name_of_a_variable)


Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
Locale = Annotated[str, AfterValidator(_locale)]
Provides = Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(default_factory=dict)]
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Settings(BaseModel):
    """Base of everything in company.yml: immutable, and no key passes unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)
