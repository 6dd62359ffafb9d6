"""The order of files by name, the newest last, as people and browsers name downloads.

Numbers count as numbers (`deals_9` is before `deals_10`), a copy comes after what it is one of
(`deals`, `deals (2)`), and a date in a name is one, however it is written: `31.01.2024`,
`01-31-2024`, `31012024`, `Jan 2024`, `Q1 2024`. What may be read in two ways is read as all names
of the files allow.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ingestion.sources.files.catalog import stem

_READINGS = (
    ("YYYYMMDD", "YYMMDD", "MMYY"),
    ("YYYYMMDD", "YYYYMM", "MMDD"),
    ("DDMMYYYY", "DDMMYY", "MMYY"),
    ("MMDDYYYY", "MMDDYY", "MMYY"),
)
"""How the digits of dates may be meant, by their number; four are `Mar 24`."""
_MONTHS = (
    "january february march april may june july august september october november december".split()
)
_QUARTER = re.compile(
    r"(?<![a-z\d])(?<!\d[ ._-])(?:q([1-4])|([1-4])q)[ ._'-]*(?:20)?([0-4]\d)(?!\d)"
)
_MONTH = re.compile(
    r"(?<![a-z])(?:(?<!\d)(20\d\d|\d{1,2})[ ._-]*)?"
    rf"({'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)}|sept)(?![a-z])"
    r"(?:[ ._'-]*(20\d\d|\d\d)(?!\d))?"
)
_LONG = re.compile(r"(?<!\d)(?:(\d{8})|(\d{1,2})[._-](\d{1,2})[._-](\d{4}))(?!\d)")
_SHORT = re.compile(
    r"(?<!\d)(?:(\d{6})|(?<!\d[._-])(\d{1,2})([._-])(\d{1,2})\3(\d\d)(?![._-]?\d))(?!\d)"
)
_YEAR_FIRST = re.compile(r"(?<!\d)\d{4}[._-]\d{1,2}[._-]\d{1,2}(?!\d)")


def in_order(names: Iterable[str]) -> list[str]:
    """The names of files, the newest last; of several orders, that of the first reading."""
    return _orders(list(names))[0]


def is_certain(names: Iterable[str]) -> bool:
    """Whether every way to read the dates in the names of files gives the same order."""
    first, *others = _orders(list(names))
    return all(order == first for order in others)


def _orders(names: list[str]) -> list[list[str]]:
    """The names in order, for each reading that fits all of them; for none, where no one does."""
    found = []
    for reading in _READINGS:
        with suppress(ValueError):
            found.append(_sorted(names, reading))
    return found or [_sorted(names, ())]


def _sorted(names: list[str], reading: tuple[str, ...]) -> list[str]:
    return sorted(names, key=lambda name: (_key(name, reading), name))


def _key(name: str, reading: tuple[str, ...]) -> list[tuple[int, int, str]]:
    """What the name is sorted by: its folders and stem, in turn numbers and text.

    ValueError where a date in it is none if read so.
    """

    def by_month(found: re.Match[str]) -> str:
        before, name, after = found[1] or "", found[2], found[3] or ""
        month = next(n for n, long in enumerate(_MONTHS, start=1) if long.startswith(name[:3]))
        if len(before) == 4:
            return f"{before}-{month}-{after}"
        if len(after) == 4 or (before and after):
            return f"20{after[-2:]}-{month}-{before or 0}"
        return _date(f"{month:02}{after}", reading) if after else f"{month}-{before or 0}"

    def by_digits(found: re.Match[str]) -> str:
        parts = [part for part in found.groups() if part and part.isdigit()]
        return _date("".join(part.zfill(2) for part in parts), reading)

    folder, slash, file = name.lower().rpartition("/")
    text = _MONTH.sub(by_month, folder + slash + stem(Path(file)))
    text = _QUARTER.sub(lambda found: f"20{found[3]}-q{found[1] or found[2]}", text)
    # Beside a whole date, six digits are a time.
    is_dated = _LONG.search(text) or _YEAR_FIRST.search(text)
    text = (_LONG if is_dated else _SHORT).sub(by_digits, text)
    parts = re.split(r"(\d+)", text)
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p]


def _date(digits: str, reading: tuple[str, ...]) -> str:
    """The date that digits are, by the part of the reading that is as long; without one, they."""
    for order in reading:
        if len(order) == len(digits):
            year, month, day = (
                "".join(digit for digit, of in zip(digits, order, strict=True) if of == part)
                for part in "YMD"
            )
            # 2000 is a leap year, as a year that is not told may be.
            found = dt.date(int("2000"[: 4 - len(year)] + year), int(month), int(day or 1))
            if found.year not in _years(len(year)):
                raise ValueError(f"{found.year} is no year of a download")
            return found.isoformat()
    return digits


def _years(digits: int) -> range:
    """The years that so many digits may be; two are none to come, lest 31 of `311223` be one."""
    years = {2: range(2010, dt.date.today().year + 2), 4: range(1990, 2100)}
    return years.get(digits, range(2000, 2001))
