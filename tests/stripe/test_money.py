"""Minor units: every currency of ISO 4217, and where Stripe counts otherwise."""

from __future__ import annotations

from decimal import Decimal

import iso4217
import pytest

from ingestion.errors import SourceError
from ingestion.sources.stripe.money import IN_DOUBT, UNLIKE_ISO, MinorUnits, NoCurrencyError

UNITS = MinorUnits("billing", {})
WHOLE = set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF".split())
"""Stripe's list of zero-decimal currencies (docs.stripe.com/currencies)."""
THOUSANDTHS = set("BHD JOD KWD OMR TND".split())
"""Stripe's list of three-decimal currencies."""
NOT_AT_STRIPE = set("IQD LYD UYI CLF UYW".split())
"""Neither in Stripe's lists nor with two digits: ISO's table holds."""


@pytest.mark.parametrize("currency", iso4217.Currency, ids=lambda it: it.code)
def test_each_currency_has_the_digits_that_stripe_counts_in(currency: iso4217.Currency) -> None:
    code = currency.code
    if code in IN_DOUBT:
        with pytest.raises(SourceError, match=r"minor_units: \{UGX: 0\}"):
            UNITS.digits(code)
        return
    if currency.exponent is None:
        with pytest.raises(NoCurrencyError, match=f"currency = {code.lower()}: not a currency"):
            UNITS.digits(code)
        return
    expected = 0 if code in WHOLE else 3 if code in THOUSANDTHS else 2
    if code in NOT_AT_STRIPE:
        expected = currency.exponent
    assert UNITS.digits(code) == expected
    assert (code in UNLIKE_ISO) == (expected != currency.exponent)


def test_stripes_lists_are_of_currencies_that_there_are() -> None:
    assert {it.code for it in iso4217.Currency} >= WHOLE | THOUSANDTHS | UNLIKE_ISO.keys()


@pytest.mark.parametrize(
    ("minor", "code", "expected"),
    [
        (1999, "USD", "19.99"),
        (1999, "JPY", "1999"),
        (12340, "KWD", "12.34"),
        (1999, "MGA", "1999"),
        (1999, "ISK", "19.99"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0"),
        ("0.0123", "EUR", "0.000123"),
        (99_999_999_999_999, "EUR", "999999999999.99"),
    ],
)
def test_an_amount_is_exact(minor: int | str, code: str, expected: str) -> None:
    assert Decimal(UNITS.amount(minor, code) or "") == Decimal(expected)


def test_nothing_is_no_amount_and_a_company_may_say_how_it_is_counted() -> None:
    assert UNITS.amount(None, "EUR") is None
    told = MinorUnits("billing", {"UGX": 2, "HRK": 2})
    assert Decimal(told.amount(500, "UGX") or "") == 5
    assert Decimal(told.amount(500, "HRK") or "") == 5
