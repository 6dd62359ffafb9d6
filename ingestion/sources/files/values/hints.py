"""What in company.yml would mend values that do not fit, told by their form.

Where a form can be read in two ways, both are named: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from ingestion.contract.types import ColumnType
from ingestion.sources.files.values.casting import EARLIEST, LATEST

_NONE = re.compile(r"[-–—.?]+|n/?a|#n/a|none|null|nil|tb[ac]|unknown|unbekannt|\(blank\)", re.I)
_TIME = re.compile(
    r"(?P<gap>,? |T)(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2}(?P<part>\.\d+)?)?"
    r"(?P<half> ?[AaPp][Mm])?(?P<offset> ?[+-]\d{2}:?\d{2}|Z)?$"
)
_IN_NUMBERS = re.compile(
    r"(?P<first>\d{1,2})(?P<sep>[./-]) ?(?P<second>\d{1,2})(?P=sep) ?(?P<year>\d{4}|\d{2})"
)
_YEAR_FIRST = re.compile(r"\d{4}(?P<sep>[./-])\d{1,2}(?P=sep)\d{1,2}")
_NAMED_MONTHS = (
    (
        re.compile(r"\d{1,2}(?P<a>\.? |-|/)[A-Za-z]+(?P<b>\.? |-|/)(?P<year>\d{4}|\d{2})"),
        "%d{}%B{}",
    ),
    (re.compile(r"[A-Za-z]+(?P<a>\.? )\d{1,2}(?P<b>,? )(?P<year>\d{4})"), "%B{}%d{}"),
    (re.compile(r"[A-Za-z]+(?P<a>\.? |-|/)(?P<year>\d{4}|\d{2})"), "%B{}"),
)
_MONTHS = frozenset(
    "january february march april may june july august september october november december".split()
)
_OTHER_FORMS = (
    (re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])[0-3]\d"), "use date_format: '%Y%m%d'"),
    (re.compile(r"\d{4}-\d{2}"), "use date_format: '%Y-%m'"),
    (re.compile(r"\d{4}/\d{2}"), "use date_format: '%Y/%m'"),
    (re.compile(r"\d{2}/\d{4}"), "use date_format: '%m/%Y'"),
    (re.compile(r"\d{2}\.\d{4}"), "use date_format: '%m.%Y'"),
    (re.compile(r"(19|20)\d{2}"), "use date_format: '%Y'"),
    (
        re.compile(r"[2-7]\d{4}(\.\d+)?"),
        "use date '1899-12-30' + x::INTEGER (days as Excel counts)",
    ),
    (re.compile(r"\d{10}"), "use to_timestamp(x) (seconds since 1970)"),
    (re.compile(r"\d{13}"), "use to_timestamp(x / 1000) (milliseconds since 1970)"),
    (
        re.compile(r"\d{4}[- /]?Q[1-4]", re.I),
        "use make_date(left(x, 4)::INTEGER, 3 * right(x, 1)::INTEGER - 2, 1)",
    ),
    (
        re.compile(r"Q[1-4][- /]?\d{4}", re.I),
        "use make_date(right(x, 4)::INTEGER, 3 * substr(x, 2, 1)::INTEGER - 2, 1)",
    ),
)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}.*)?")
_GROUPS = {
    ".": re.compile(r"\d{1,3}(\.\d{3})+"),
    ",": re.compile(r"\d{1,3}(,\d{2,3})*,\d{3}"),
    " ": re.compile(r"\d{1,3}([ \u00a0\u2009\u202f]\d{3})+"),
    "'": re.compile(r"\d{1,3}(['\u2019]\d{3})+"),
}
_BOOLEANS = {
    word: meaning
    for meaning, words in {
        "true": "ja j oui o si sí s sim x on active aktiv checked wahr vrai da tak ✓",
        "false": "nein non off inactive inaktiv unchecked falsch faux não nao nie ✗",
    }.items()
    for word in words.split()
}


def remedy(type_: ColumnType, samples: Sequence[str]) -> str | None:
    """What to write in company.yml so that values like these fit a type; None: nothing known.

    In what it says, `x` stands for the column or expression that gave the values.

    >>> remedy("timestamp", ["01.11.2026", "30.11.2026"])
    "use date_format: '%d.%m.%Y'"
    >>> remedy("date", ["3/14/2024", "04/01/2024"])
    "use date_format: '%m/%d/%Y'"
    >>> remedy("date", ["03/04/2024"])
    "use date_format: '%d/%m/%Y' if the day comes first, '%m/%d/%Y' if the month does"
    >>> remedy("timestamp", ["3/14/2024 5:07 PM"])
    "use date_format: '%m/%d/%Y %I:%M %p'"
    >>> remedy("date", ["24-03-01", "24-03-31"])
    "use date_format: '%d-%m-%y' if the day comes first, '%y-%m-%d' if the year does"
    >>> remedy("date", ["14/03/2024", "Mar 2, 2024"])
    "use date_format: ['%d/%m/%Y', '%b %d, %Y']"
    >>> remedy("date", ["0001-01-01"])
    "if it stands for none, nullif(x, '0001-01-01')"
    >>> remedy("date", ["0001-01-01", "9999-12-31"])
    'if they stand for none, case when year(x::DATE) between 1971 and 2100 then x end'
    >>> remedy("money", ["1.234,56", "12,50"])
    "use decimal: ',' and thousands: '.'"
    >>> remedy("money", ["1,250,000"])
    "use thousands: ','"
    >>> remedy("money", ["15.500"])
    "use thousands: '.' if 15.500 is 15500, decimal: '.' if it is 15.5"
    >>> remedy("number", ["high", "low"])
    "use case x when 'high' then … when 'low' then … end"
    >>> remedy("integer", ["n/a"])
    "if it stands for none, nullif(x, 'n/a')"
    >>> remedy("boolean", ["Ja", "nein"])
    "use case x when 'Ja' then true when 'nein' then false end"
    >>> remedy("money", ["1200.50"]) is None
    True
    """
    values = [value.strip() for value in dict.fromkeys(samples) if value.strip()]
    empty = [value for value in values if _NONE.fullmatch(value)]
    said = [value for value in values if value not in empty]
    if type_ == "text" or not values:
        return None
    if empty and not said:
        return _if_none(empty[0])
    if type_ == "boolean":
        return f"use {_cases(said, lambda word: _BOOLEANS.get(word.lower(), '…'))}"
    return _of_dates(said) if type_ in ("date", "timestamp") else _of_numbers(type_, said)


def _of_dates(values: Sequence[str]) -> str | None:
    """What would mend dates; those written as they should be are none, or stand for none."""
    usual = [value for value in values if _ISO.fullmatch(value)]
    if usual == values:
        unreal = [v for v in usual if not EARLIEST.year < int(v[:4]) <= LATEST.year]
        return _if_none(*unreal) if unreal else None
    values = [value for value in values if value not in usual]
    times = {value: _TIME.search(value) for value in values}
    days = {value: value[: time.start()] if time else value for value, time in times.items()}
    orders = _orders([match for day in days.values() if (match := _IN_NUMBERS.fullmatch(day))])
    if not orders:
        return "days come first in some and second in others: mend it where it comes from"
    formats: dict[str, dict[str, None]] = {order: {} for order in orders}
    for value, day in days.items():
        for order in orders:
            form = _form(day, order)
            if form is None:
                other = next((text for form, text in _OTHER_FORMS if form.fullmatch(value)), None)
                return other or _foreign_month(values)
            formats[order][form + _time_format(times[value])] = None
    if len(orders) == 1:
        return f"use date_format: {_listed(formats[orders[0]])}"
    first, *others = (f"{_listed(formats[order])} if the {order}" for order in orders)
    return f"use date_format: {', '.join([f'{first} comes first', *(f'{o} does' for o in others)])}"


def _orders(days: Sequence[re.Match[str]]) -> Sequence[str]:
    """What may come first in dates in numbers: day, month or a year of two digits."""

    def may_be(first: int, second: int) -> bool:
        return all(int(one["first"]) <= first and int(one["second"]) <= second for one in days)

    is_day = may_be(31, 12)
    if is_day and all(one["sep"] == "." for one in days):
        return ["day"]
    is_year = may_be(99, 12) and all(
        len(one["first"]) == len(one["year"]) == 2 and 1 <= int(one["year"]) <= 31 for one in days
    )
    fitting = {"day": is_day, "month": may_be(12, 31), "year": is_year}
    return [order for order, fits in fitting.items() if fits]


def _form(day: str, order: str) -> str | None:
    """The format of a day, as strptime takes it."""
    if match := _IN_NUMBERS.fullmatch(day):
        gap = match["sep"] + (" " if f"{match['sep']} " in day else "")
        year = _year(match["year"])
        orders = {
            "day": ("%d", "%m", year),
            "month": ("%m", "%d", year),
            "year": (year, "%m", "%d"),
        }
        return gap.join(orders[order])
    if match := _YEAR_FIRST.fullmatch(day):
        return match["sep"].join(("%Y", "%m", "%d"))
    for pattern, format_ in _NAMED_MONTHS:
        match = pattern.fullmatch(day)
        name = re.search(r"[A-Za-z]+", day)
        if match and name and (month := _month(name[0])):
            gaps = [gap for key, gap in match.groupdict().items() if key != "year"]
            return format_.replace("%B", month).format(*gaps) + _year(match["year"])
    return None


def _year(digits: str) -> str:
    return "%Y" if len(digits) == 4 else "%y"


def _month(name: str) -> str | None:
    """How a month's name is written: whole, or its first three letters."""
    lower = name.lower()
    if len(lower) == 3 and any(month.startswith(lower) for month in _MONTHS):
        return "%b"
    return "%B" if lower in _MONTHS else None


def _foreign_month(values: Sequence[str]) -> str | None:
    for value in values:
        if re.search(r"\d", value) and (name := re.search(r"[^\W\d_]{3,}", value)):
            return (
                "use strptime(replace(x, …), …): months are read by their English names, "
                f"'{name[0]}' is none"
            )
    return None


def _time_format(time: re.Match[str] | None) -> str:
    if time is None:
        return ""
    hour = "%I" if time["half"] else "%H"
    second = "" if not time["second"] else ":%S" if not time["part"] else ":%S.%f"
    half = "" if not time["half"] else " %p" if time["half"].startswith(" ") else "%p"
    offset = "" if not time["offset"] else " %z" if time["offset"].startswith(" ") else "%z"
    return f"{time['gap']}{hour}:%M{second}{half}{offset}"


def _of_numbers(type_: ColumnType, values: Sequence[str]) -> str | None:
    """What would mend numbers; words are degrees of something, but no amounts."""
    words = [value for value in values if not re.search(r"\d", value)]
    if words == values:
        return f"use {_cases(values, lambda word: '…')}" if type_ == "number" else None
    values = [value for value in values if value not in words]
    if all(re.fullmatch(r"-?\d+(\.\d+)? ?%", value) for value in values):
        return "use replace(x, '%', '')::DOUBLE / 100"
    decimals: set[str] = set()
    groups: set[str] = set()
    doubtful: dict[str, str] = {}
    for value in values:
        body = re.sub(r"^[^\d.,]+|[^\d.,]+$", "", value)
        point = max(".,", key=body.rfind)
        whole, _, places = body.rpartition(point)
        if (mark := _group(body)) and (mark not in ".," or body.count(mark) > 1):
            groups.add(mark)
        elif mark and not body.startswith("0"):
            doubtful[mark] = body
        elif whole.isdigit():
            decimals.add(point)
        elif places and (mark := _group(whole)) and mark != point:
            decimals.add(point)
            groups.add(mark)
    return _separators(decimals, groups, doubtful)


def _group(whole: str) -> str | None:
    """What groups the digits of a whole number."""
    return next((mark for mark, form in _GROUPS.items() if form.fullmatch(whole)), None)


def _separators(decimals: set[str], groups: set[str], doubtful: dict[str, str]) -> str | None:
    """What to say of the separators that were found, and of those that may be either."""
    if len(decimals) > 1 or decimals & groups:
        return "points and commas mean different things in it: mend it where it comes from"
    options = [f"decimal: '{mark}'" for mark in sorted(decimals - {"."})]
    options += [f"thousands: {_marked(mark)}" for mark in sorted(groups)]
    if options:
        return f"use {' and '.join(options)}"
    for mark, body in doubtful.items():
        if mark not in decimals:
            whole, places = body.split(mark)
            return (
                f"use thousands: '{mark}' if {body} is {whole}{places}, decimal: '{mark}' if it is "
                f"{float(f'{whole}.{places}'):g}"
            )
    return None


def _if_none(value: str, *others: str) -> str:
    if not others:
        return f"if it stands for none, nullif(x, '{_quoted(value)}')"
    years = f"{EARLIEST.year + 1} and {LATEST.year}"
    return f"if they stand for none, case when year(x::DATE) between {years} then x end"


def _marked(mark: str) -> str:
    return f'"{mark}"' if mark == "'" else f"'{mark}'"


def _cases(words: Sequence[str], meaning: Callable[[str], str]) -> str:
    whens = " ".join(f"when '{_quoted(word)}' then {meaning(word)}" for word in words[:5])
    return f"case x {whens} end"


def _listed(formats: Iterable[str]) -> str:
    quoted = [f"'{format_}'" for format_ in formats]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"


def _quoted(value: str) -> str:
    return value.replace("'", "''")
