"""Conversion to the company's currency, in exact decimals."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

from tests.oracle.records import Records

MAX_AGE = dt.timedelta(days=31)
CENT = Decimal("0.01")


class Rates:
    """Exchange rates by day."""

    def __init__(self, records: Records) -> None:
        self.currency = records.currency
        self._rates: dict[tuple[str, str], list[tuple[dt.date, Decimal]]] = defaultdict(list)
        for day, source, target, rate in records["fx_rates"].itertuples(index=False):
            self._rates[source, target].append((dt.date.fromisoformat(day), Decimal(rate)))
        for series in self._rates.values():
            series.sort()

    def convert(self, amount: str | None, currency: str | None, day: dt.date) -> Decimal | None:
        """A native amount in the company's currency, rounded half up to cents; None: no rate."""
        exact = self.exact(amount, currency, day)
        return None if exact is None else exact.quantize(CENT, ROUND_HALF_UP)

    def exact(self, amount: str | None, currency: str | None, day: dt.date) -> Decimal | None:
        """The same, not rounded."""
        if amount is None:
            return None
        native, source = Decimal(amount), currency or self.currency
        if source == self.currency:
            return native
        if rate := self._latest(source, self.currency, day):
            return native * rate
        if rate := self._latest(self.currency, source, day):
            return native / rate
        return None

    def _latest(self, source: str, target: str, day: dt.date) -> Decimal | None:
        series = self._rates[source, target]
        position = bisect_right(series, day, key=lambda entry: entry[0])
        if not position or day - series[position - 1][0] > MAX_AGE:
            return None
        return series[position - 1][1]
