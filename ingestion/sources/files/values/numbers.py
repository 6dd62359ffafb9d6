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

from ingestion.contract.currencies import CURRENCIES
from ingestion.warehouse.duckdb_sql import in_64_bits, literal

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
        for mark in "".join(self.groups):
            text = f"replace({text}, {literal(mark)}, '')"
        return text if self.decimal == "." else f"replace({text}, {literal(self.decimal)}, '.')"


POINT = Style(".", (",", SPACES, APOSTROPHES))
COMMA = Style(",", (".", SPACES, APOSTROPHES))


def _grouped(marks: str) -> str:
    """A pattern of a whole number in groups; commas also group lakhs and crores.

    What begins with 0, such as `0,250`, is in no groups.
    """
    mark = f"[{marks}]"
    if marks == ",":
        return "[1-9]\\d{0,2}(?:,\\d{2,3})*,\\d{3}"
    return f"[1-9]\\d{{0,2}}(?:{mark}\\d{{3}})+"


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
        "long point, three places": r"\d{4,}\.\d{3}",
        "long point": r"\d{4,}\.\d*",
        "point? 0": r"[1-9]\d{0,2}\.\d{2}0",
        "point?": DOUBTFUL_POINT,
        "comma?": DOUBTFUL_COMMA,
        "point, three places": r"\d*\.\d{3}",
        "point": r"\d*\.\d+|\d+\.",
        "spaced": f"\\d{{1,3}}(?:[{SPACES}{APOSTROPHES}]\\d{{3}})+",
        "point, grouped": POINT.body,
        "comma": COMMA.body,
    }
)
"""Patterns of what a number without its sign tells of its column, in order."""


def decimal_text(value: float) -> str:
    """A number as text in which nobody sees groups: with three decimals, a zero is added.

    >>> decimal_text(15.5), decimal_text(15.125)
    ('15.5', '15.1250')
    """
    text = str(value)
    return f"{text}0" if re.fullmatch(f"-?{DOUBTFUL_POINT}", text) else text


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
    found = f"coalesce({', '.join(_in_styles('p.body', styles, stored))})"
    read = (
        f"coalesce(case when p.text[1] in ('-', '\u2212') then -{found} else {found} end, "
        f"case when not regexp_full_match(p.body, {literal(DOUBTFUL_POINT)}) "
        f"then try_cast(p.text as {stored}) end)"
    )
    return _with(f"{{'text': {trimmed(text)}, 'body': {unsigned(text)}}}", read)


def _with(parts: str, read: str) -> str:
    """SQL of an expression of `p`, which is a struct that is made but once for each row."""
    return f"list_transform([{parts}], lambda p: {read})[1]"


def _in_styles(body: str, styles: tuple[Style, ...], stored: str) -> list[str]:
    """SQL of a number in each style. Decimals of 64 bits are many times faster, where they do."""
    return [
        f"case when regexp_full_match({body}, {literal(style.body)}) "
        f"then try_cast({style.plain(body)} as {type_}) end"
        for style in styles
        for type_ in (in_64_bits(stored), stored)
    ]


def plain_number(text: str, style: Style) -> str:
    """SQL of a number's text in the plain style, of any other text as it is."""
    is_number = f"regexp_full_match({text}, {literal('[-+]?' + style.body)})"
    return f"case when {is_number} then {style.plain(text)} else {text} end"


_SIGNS = sorted((*SYMBOLS, *SHARED_SYMBOLS, "kr."), key=len, reverse=True)
_CURRENCY = "|".join([*map(re.escape, _SIGNS), "[A-Za-z]{3}"])
_SCALE = "|".join(map(re.escape, sorted(SCALES, key=len, reverse=True)))
_BODY = f"[\\d.,{APOSTROPHES}{SPACES}]*?\\d[.,]?"
_NO_CENTS = "(\\d[.,])(?:--?|[–—])"
"""A dash in place of cents, `1.200,-`, which is no minus."""
_PARTS = ("open", "sign", "before", "inner", "body", "scale", "after", "minus", "close")
_AMOUNT = (
    f"^(\\()?([-+\u2212])?[{SPACES}]*({_CURRENCY})?[{SPACES}]*([-+\u2212])?[{SPACES}]*({_BODY})"
    f"[{SPACES}]*({_SCALE})?[{SPACES}]*({_CURRENCY})?(-)?[{SPACES}]*(\\))?$"
)


@dataclass(frozen=True)
class Amount:
    """SQL of the parts of an amount of money in text, such as `(USD 1,200.00)` or `$1.2M`."""

    text: str

    @property
    def _parts(self) -> str:
        names = ", ".join(map(literal, _PARTS))
        text = f"regexp_replace({trimmed(self.text)}, {literal(_NO_CENTS)}, '\\1')"
        return f"regexp_extract({text}, {literal(_AMOUNT)}, [{names}])"

    @property
    def body(self) -> str:
        """The number without sign, currency and scale; '' where the text is no amount."""
        return f"{self._parts}['body']"

    @property
    def is_marked(self) -> str:
        """Whether there is more than a number and its sign."""
        marked = _with(self._parts, "concat(p.open, p.before, p.scale, p.after, p.minus) <> ''")
        return f"({marked} or regexp_matches({self.text}, {literal(_NO_CENTS)}))"

    @property
    def currency(self) -> str:
        """The currency's code, or the sign that several share; NULL where there is none."""
        return _with(self._parts, _CODE)

    def value(self, styles: tuple[Style, ...], stored: str) -> str:
        """The amount; NULL where it is none, or its currency unknown."""
        found = f"coalesce({', '.join(_in_styles('p.body', styles, stored))})"
        known = literal(f"  {' '.join(sorted({*CURRENCIES, *SHARED_SYMBOLS}))} ")
        signs = "replace(concat(p.open, p.sign, p.inner, p.minus), '+', '')"
        scales = " ".join(f"when {literal(s)} then {n}" for s, n in SCALES.items())
        read = (
            f"case when (p.open = '') = (p.close = '') and length({signs}) <= 1 "
            f"and contains({known}, concat(' ', {_CODE}, ' ')) "
            f"then try_cast({found} * case p.scale {scales} else 1 end "
            f"* case when {signs} <> '' then -1 else 1 end as {stored}) end"
        )
        return _with(self._parts, read)


_CODE = (
    "nullif(case concat(p.before, p.after) "
    + " ".join(f"when {literal(sign)} then {literal(code)}" for sign, code in SYMBOLS.items())
    + " ".join(f" when {literal(sign)} then {literal(sign)}" for sign in SHARED_SYMBOLS)
    + " when 'kr.' then 'kr' else upper(concat(p.before, p.after)) end, '')"
)
