"""How numbers are written in text: marks of decimals and thousands, currencies, K and M, signs.

A number is read in the styles that are said or certain. `1,200.00` is one thing only; `15.500` is
15,500 in one country and 15.5 in another, so that somebody must say it: the options `decimal` and
`thousands`, or the other values of its column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ingestion.currencies import CURRENCIES
from ingestion.duckdb_sql import literal

if TYPE_CHECKING:
    from ingestion.sources.files.settings import FileOptions

SPACES = " \u00a0\u2007\u2009\u202f"
APOSTROPHES = "'\u2019"
GROUP_MARKS = (".", ",", SPACES, APOSTROPHES)

SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "€": "EUR",
        "£": "GBP",
        "₹": "INR",
        "₽": "RUB",
        "₺": "TRY",
        "₩": "KRW",
        "₪": "ILS",
        "₫": "VND",
        "฿": "THB",
        "₴": "UAH",
        "₦": "NGN",
        "zł": "PLN",
        "Kč": "CZK",
        "Ft": "HUF",
        "R$": "BRL",
        "US$": "USD",
        "A$": "AUD",
        "AU$": "AUD",
        "C$": "CAD",
        "CA$": "CAD",
        "NZ$": "NZD",
        "HK$": "HKD",
        "S$": "SGD",
        "MX$": "MXN",
        "NT$": "TWD",
    }
)
"""Signs that stand for one currency."""

SHARED_SYMBOLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "$": tuple(
            "USD AUD CAD NZD HKD SGD MXN TWD ARS BBD BMD BND BSD BZD CLP COP DOP FJD GYD JMD KYD "
            "LRD NAD SBD SRD TTD UYU XCD".split()
        ),
        "¥": ("JPY", "CNY"),
        "kr": ("SEK", "NOK", "DKK", "ISK"),
    }
)
"""Signs that stand for one of several."""

SCALES: Mapping[str, int] = MappingProxyType(
    {
        "K": 1_000,
        "k": 1_000,
        "M": 1_000_000,
        "MM": 1_000_000,
        "Mio": 1_000_000,
        "Mio.": 1_000_000,
        "mn": 1_000_000,
        "B": 1_000_000_000,
        "bn": 1_000_000_000,
        "Mrd": 1_000_000_000,
        "Mrd.": 1_000_000_000,
    }
)
"""What letters after an amount make of it. A small `m` is a thousand to some: it is not read."""


@dataclass(frozen=True)
class Style:
    """A way of writing numbers: the mark of decimals, and those that may group thousands."""

    decimal: str
    groups: tuple[str, ...]

    @property
    def body(self) -> str:
        """A pattern of a number without its sign."""
        point = re.escape(self.decimal)
        whole = "|".join(["\\d+", *map(_grouped, self.groups)])
        return f"(?:(?:{whole})(?:{point}\\d*)?|{point}\\d+)"

    def plain(self, text: str) -> str:
        """SQL of a number of this style with a point for decimals and nothing else."""
        marks = "".join(self.groups)
        return f"replace(translate({text}, {literal(marks)}, ''), {literal(self.decimal)}, '.')"


POINT = Style(".", (",", SPACES, APOSTROPHES))
COMMA = Style(",", (".", SPACES, APOSTROPHES))


def _grouped(marks: str) -> str:
    """A pattern of a whole number in groups; commas also group lakhs and crores."""
    mark = f"[{marks}]"
    if marks == ",":
        return "\\d{1,3}(?:,\\d{2,3})*,\\d{3}"
    return f"\\d{{1,3}}(?:{mark}\\d{{3}})+"


def said_style(options: FileOptions | None) -> Style | None:
    """The style that options say; one of the two marks tells much of the other."""
    if options is None or (options.decimal is None and options.thousands is None):
        return None
    decimal = options.decimal or ("," if options.thousands == "." else ".")
    if options.thousands is None:
        return Style(decimal, tuple(marks for marks in GROUP_MARKS if marks != decimal))
    return Style(decimal, tuple(marks for marks in GROUP_MARKS if options.thousands in marks))


DOUBTFUL_POINT = r"[1-9]\d{0,2}\.\d{3}"
DOUBTFUL_COMMA = r"[1-9]\d{0,2},\d{3}"
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "short": r"\d{1,3}",
        "long": r"\d{4,}",
        "long point": r"\d{4,}\.\d*",
        "point?": DOUBTFUL_POINT,
        "comma?": DOUBTFUL_COMMA,
        "point": r"\d*\.\d+|\d+\.",
        "spaced": f"\\d{{1,3}}(?:[{SPACES}{APOSTROPHES}]\\d{{3}})+",
        "point, grouped": POINT.body,
        "comma": COMMA.body,
    }
)
"""Patterns of what a number without its sign tells of its column, in order."""


def kind(body: str) -> str:
    """SQL of what a number without its sign tells; `other` where it is none."""
    cases = " ".join(
        f"when regexp_full_match({body}, {literal(pattern)}) then {literal(name)}"
        for name, pattern in _KINDS.items()
    )
    return f"case {cases} else 'other' end"


def trimmed(text: str) -> str:
    """SQL of text without the spaces about it."""
    return f"trim({text}, {literal(SPACES + chr(9))})"


def unsigned(text: str) -> str:
    """SQL of a number's text without spaces about it and its sign."""
    return f"regexp_replace({trimmed(text)}, '^[-+\u2212] ?', '')"


def number(text: str, styles: tuple[Style, ...], stored: str) -> str:
    """SQL of a number in text: in the first style that it fits, else as it stands.

    What could be in groups is never read as it stands.
    """
    if not styles:
        return f"try_cast({text} as {stored})"
    body = unsigned(text)
    negative = f"regexp_full_match({trimmed(text)}, '[-\u2212].*')"
    found = f"coalesce({', '.join(_in_styles(body, styles, stored))})"
    signed = f"case when {negative} then -{found} else {found} end"
    as_it_stands = (
        f"case when not regexp_full_match({body}, {literal(DOUBTFUL_POINT)}) "
        f"then try_cast({text} as {stored}) end"
    )
    return f"coalesce({signed}, {as_it_stands})"


def _in_styles(body: str, styles: tuple[Style, ...], stored: str) -> list[str]:
    return [
        f"case when regexp_full_match({body}, {literal(style.body)}) "
        f"then try_cast({style.plain(body)} as {stored}) end"
        for style in styles
    ]


def plain_number(text: str, style: Style) -> str:
    """SQL of a number's text in the plain style, of any other text as it is."""
    is_number = f"regexp_full_match({text}, {literal('[-+]?' + style.body)})"
    return f"case when {is_number} then {style.plain(text)} else {text} end"


_SIGNS = sorted((*SYMBOLS, *SHARED_SYMBOLS, "kr."), key=len, reverse=True)
_CURRENCY = "|".join([*map(re.escape, _SIGNS), "[A-Za-z]{3}"])
_SCALE = "|".join(map(re.escape, sorted(SCALES, key=len, reverse=True)))
_BODY = f"[\\d.,{APOSTROPHES}{SPACES}]*?\\d[.,]?"
_PARTS = ("open", "sign", "before", "inner", "body", "scale", "after", "minus", "close")
_AMOUNT = (
    f"^(\\()?([-+\u2212])?[{SPACES}]*({_CURRENCY})?[{SPACES}]*([-+\u2212])?[{SPACES}]*({_BODY})"
    f"[{SPACES}]*({_SCALE})?[{SPACES}]*({_CURRENCY})?(-)?[{SPACES}]*(\\))?$"
)


@dataclass(frozen=True)
class Amount:
    """SQL of the parts of an amount of money in text, such as `(USD 1,200.00)` or `$1.2M`."""

    text: str

    def part(self, name: str) -> str:
        """A part of the text; '' where it has none, or is no amount."""
        names = ", ".join(map(literal, _PARTS))
        pattern = literal(_AMOUNT)
        return f"regexp_extract({trimmed(self.text)}, {pattern}, [{names}])[{literal(name)}]"

    @property
    def body(self) -> str:
        """The number without sign, currency and scale."""
        return self.part("body")

    @property
    def is_marked(self) -> str:
        """Whether there is more than a number and its sign."""
        marks = " || ".join(self.part(n) for n in ("open", "before", "scale", "after", "minus"))
        return f"({marks} <> '')"

    @property
    def currency(self) -> str:
        """The currency's code, or the sign that several share; NULL where there is none."""
        written = f"{self.part('before')} || rtrim({self.part('after')}, '.')"
        signs = " ".join(f"when {literal(s)} then {literal(code)}" for s, code in SYMBOLS.items())
        shared = " ".join(f"when {literal(s)} then {literal(s)}" for s in SHARED_SYMBOLS)
        return f"nullif(case rtrim({written}, '.') {signs} {shared} else upper({written}) end, '')"

    def value(self, styles: tuple[Style, ...], stored: str) -> str:
        """The amount; NULL where it is none, or its currency unknown."""
        found = f"coalesce({', '.join(_in_styles(self.body, styles, stored))})"
        known = ", ".join(map(literal, sorted({*CURRENCIES, *SHARED_SYMBOLS})))
        minus = ["open", "sign", "inner", "minus"]
        signs = " || ".join(f"translate({self.part(name)}, '+', '')" for name in minus)
        scales = " ".join(f"when {literal(s)} then {n}" for s, n in SCALES.items())
        return (
            f"case when ({self.part('open')} = '') = ({self.part('close')} = '') "
            f"and length({signs}) <= 1 and coalesce({self.currency} in ({known}), true) "
            f"then try_cast({found} * case {self.part('scale')} {scales} else 1 end "
            f"* case when {signs} <> '' then -1 else 1 end as {stored}) end"
        )
