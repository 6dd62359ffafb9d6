"""The order of files by name, the newest last, as people and browsers name downloads.

Numbers count as numbers (`deals_9` is before `deals_10`), a copy comes after what it is one of
(`deals`, `deals (2)`), and a date in a name is one, however it is written: `31.01.2024`,
`01-31-2024`, `Jan 2024`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ingestion.sources.files.catalog import stem

_DATE = re.compile(r"(?<!\d)(\d{1,2})[._-](\d{1,2})[._-](\d{4})(?!\d)")
_MONTHS = (
    "january february march april may june july august september october november december".split()
)
_MONTH = re.compile(
    r"(?<![a-z])(?:(\d{1,2})[ ._-]*)?"
    rf"({'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)})[ ._-]*(\d{{4}})(?!\d)"
)


def in_order(names: Iterable[str]) -> list[str]:
    """The names of files, the newest last."""
    found = list(names)
    months_first = _are_months_first(found)
    return sorted(found, key=lambda name: (_key(name, months_first), name))


def _are_months_first(names: Iterable[str]) -> bool:
    """Whether dates in numbers begin with the month: told by a second number that is none."""
    dates = [match for name in names for match in _DATE.finditer(name)]
    return any(int(date[2]) > 12 for date in dates) and all(int(date[1]) <= 12 for date in dates)


def _key(name: str, months_first: bool) -> list[tuple[int, int, str]]:
    """What the name is sorted by: its folders and stem, in turn numbers and text."""

    def by_year(date: re.Match[str]) -> str:
        day, month = (date[2], date[1]) if months_first else (date[1], date[2])
        return f"{date[3]}-{int(month):02}-{int(day):02}"

    def by_number(date: re.Match[str]) -> str:
        month = next(n for n, name in enumerate(_MONTHS, start=1) if name.startswith(date[2]))
        return f"{date[3]}-{month:02}-{int(date[1] or 0):02}"

    folder, slash, file = name.lower().rpartition("/")
    text = _MONTH.sub(by_number, _DATE.sub(by_year, folder + slash + stem(Path(file))))
    parts = re.split(r"(\d+)", text)
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p]
