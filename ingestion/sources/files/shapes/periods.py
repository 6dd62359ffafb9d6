"""Months as people write them over columns."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

MONTHS = (
    "jan january januar jänner ene enero janv janvier gen gennaio janeiro",
    "feb february februar febrero fév févr février febbraio fev fevereiro",
    "mar march mär märz mrz marzo mars março",
    "apr april abr abril avr avril aprile",
    "may mai mayo mag maggio maio",
    "jun june juni junio juin giu giugno junho",
    "jul july juli julio juil juillet lug luglio julho",
    "aug august ago agosto août",
    "sep sept september septiembre set setiembre septembre settembre setembro",
    "oct october okt oktober octubre octobre ott ottobre out outubro",
    "nov november noviembre novembre novembro",
    "dec december dez dezember dic diciembre déc décembre dicembre dezembro",
)
"""The names of each month in some languages."""

_NUMBERS = {name: number for number, names in enumerate(MONTHS, 1) for name in names.split()}
_NAMED = re.compile(r"(?P<month>[^\W\d]+)\.?[ \-/.']*(?P<year>\d{4}|\d{2})")
_NAMED_LAST = re.compile(r"(?P<year>\d{4})[ \-/.]*(?P<month>[^\W\d]+)\.?")
_ISO = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})([-/.]0?1)?([ T]00:00(:00)?)?")
_NUMBERED = re.compile(r"(0?1[-/.])?(?P<month>\d{1,2})[-/.](?P<year>\d{4})")


def first_days(names: Sequence[str]) -> list[str] | None:
    """The first days of months, as ISO dates; None unless each name is a month of a year."""
    days = [_first_day(name.strip().lower()) for name in names]
    return [day.isoformat() for day in days if day] if all(days) else None


def _first_day(name: str) -> dt.date | None:
    for form in (_NAMED, _NAMED_LAST, _ISO, _NUMBERED):
        match = form.fullmatch(name)
        if match:
            month, year = match["month"], int(match["year"])
            number = int(month) if month.isdigit() else _NUMBERS.get(month, 0)
            if 1 <= number <= 12:
                return dt.date(year if year >= 100 else 2000 + year, number, 1)
    return None
