"""Stripe's amounts: minor units of a currency (cents; whole yen) in, units of the currency out.

How many digits a currency has is ISO's table, with what Stripe does otherwise: it counts the ariary
whole, though ISO has two digits, and goes on counting the króna in hundredths, though ISO has none
any more. The Ugandan shilling is in Stripe's list of currencies without minor units and among its
special cases at once, so a company says itself how its account has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import iso4217

from ingestion.errors import SourceError

UNLIKE_ISO: Mapping[str, int] = MappingProxyType({"ISK": 2, "MGA": 0})
IN_DOUBT = frozenset({"UGX"})


class NoCurrencyError(ValueError):
    """A code is that of no currency."""


@cache
def _digits_in_iso(code: str) -> int | None:
    try:
        exponent: int | None = iso4217.Currency(code).exponent
    except ValueError:
        return None
    return exponent


@dataclass(frozen=True)
class MinorUnits:
    """The digits behind the point that a source's amounts have, by currency.

    `told` is what company.yml says of some.
    """

    source: str
    told: Mapping[str, int]

    def digits(self, code: str) -> int:
        """The digits of a currency, in capitals.

        Raises NoCurrencyError of what is none, and SourceError of one that company.yml must tell.
        """
        if code in self.told:
            return self.told[code]
        if code in IN_DOUBT:
            raise SourceError(
                f"source {self.source}: how Stripe counts amounts in {code} is in doubt; look at a "
                f"payment in Stripe's dashboard and say in company.yml, under the source "
                f"{self.source}, `minor_units: {{{code}: 0}}` if the API's amounts are whole ones, "
                f"`minor_units: {{{code}: 2}}` if they are hundredths"
            )
        digits = UNLIKE_ISO.get(code, _digits_in_iso(code))
        if digits is None:
            raise NoCurrencyError(
                f"currency = {code.lower()}: not a currency of ISO 4217 with minor units; if it "
                f"was one, say under `minor_units` how many digits its amounts have"
            )
        return digits

    def amount(self, minor: Any, code: str | None) -> str | None:
        """An amount in units of its currency, as text; nothing of nothing.

        `minor` may have decimals, as texts of unit amounts do. A code that is no currency is wrong
        without an amount, too; how a currency in doubt is counted matters only where there is one.
        """
        if code is None or (minor is None and code in IN_DOUBT):
            return None
        digits = self.digits(code)
        return None if minor is None else f"{minor}e-{digits}"
