"""What a platform says of an account as a whole, compared with what its campaigns come to.

A campaign that no list and no report has is missing without a word: here it is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from ingestion.http import MalformedAnswerError, Place
from ingestion.loading.restated import Window
from ingestion.sources.ads.reader import Account, Row

if TYPE_CHECKING:
    import duckdb

CENT = Decimal("0.01")

Spend = dict[str, Decimal]
"""What an account spent, by day."""


class Totals:
    """What platforms say of accounts; several threads may add, each of accounts of its own."""

    def __init__(self) -> None:
        self._told: dict[str, Spend] = {}

    def add(self, account: Account, rows: Iterable[Row], place: Place) -> None:
        """Take in days of an account. Raises MalformedAnswerError of an amount that is none."""
        told = self._told.setdefault(account.id, {})
        for row in rows:
            try:
                told[str(row["day"])] = Decimal(str(row.get("spend")))
            except InvalidOperation:
                raise MalformedAnswerError(
                    place, f"account {account.id} spent {row.get('spend')!r} on {row['day']}"
                ) from None

    def warnings(
        self,
        connection: duckdb.DuckDBPyConnection,
        accounts: Iterable[Account],
        windows: Mapping[str, Window],
    ) -> Iterator[str]:
        """What campaigns do not come to, by account: of `campaign_days rows`, as they came in."""
        found = connection.execute(
            'select account, day::VARCHAR, sum(spend), count(*) from "campaign_days rows" '
            "where reason is null group by account, day"
        ).fetchall()
        campaigns: defaultdict[str, dict[str, tuple[Decimal, int]]] = defaultdict(dict)
        for id, day, spend, count in found:
            campaigns[id][day] = spend, count
        for account in (it for it in accounts if it.id in windows):
            told, parts = self._told.get(account.id, {}), campaigns[account.id]
            days = (told.keys() | parts.keys()) - {str(windows[account.id].until)}
            differing: list[tuple[str, Decimal, Decimal]] = []
            for day in sorted(days):
                total = told.get(day, Decimal(0))
                spend, count = parts.get(day, (Decimal(0), 0))
                if abs(total - spend) >= _rounding(count):
                    differing.append((day, total, spend))
            if differing:
                yield _told(account, differing)


def _rounding(campaigns: int) -> Decimal:
    """The least difference that counts: each amount may be off by half a cent, and no more."""
    return CENT / 2 * (max(1, campaigns) + 1)


def _told(account: Account, differing: list[tuple[str, Decimal, Decimal]]) -> str:
    first, last, count = differing[0][0], differing[-1][0], len(differing)
    days = f"on {first}" if count == 1 else f"on {count:,} days, {first} to {last},"
    total = sum((it for _, it, _ in differing), Decimal(0))
    campaigns = sum((it for _, _, it in differing), Decimal(0))
    return (
        f"account {account.id}: {days} it spent {_amount(total)} {account.currency} as a whole, "
        f"and its campaigns come to {_amount(campaigns)}. The sum of campaigns is loaded. Where "
        "the next load says so again, compare campaigns with the platform's own page, and tell us "
        "of the one that is missing"
    )


def _amount(value: Decimal) -> str:
    """With cents, and with smaller parts where there are any."""
    plain = value.normalize()
    least = max(2, -int(plain.as_tuple().exponent))
    return f"{plain:,.{least}f}"
