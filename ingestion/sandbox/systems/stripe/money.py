"""Amounts in the smallest unit of their currency, as Stripe writes them."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion.sandbox.world.schema import CURRENCIES

DECIMALS: Mapping[str, int] = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
"""Decimal places of the world's currencies at Stripe; those with three end in 0."""
CODES = [code.lower() for code in CURRENCIES]
"""Stripe's code of each of the world's currencies, in their order."""


def minor(hundredths: int, currency: int) -> int:
    """An amount that counts hundredths, in minor units of a currency by its code in the world.

    Raises ValueError where it is no whole number of them.
    """
    shift = DECIMALS[CURRENCIES[currency]] - 2
    if shift >= 0:
        return hundredths * 10**shift
    whole, rest = divmod(hundredths, 10**-shift)
    if rest:
        raise ValueError(f"{hundredths} hundredths are no whole amount of {CURRENCIES[currency]}")
    return whole
