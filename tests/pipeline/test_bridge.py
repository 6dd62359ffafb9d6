"""The pipeline bridge of real exports and edge cases, beside pandas on the raw field changes."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published
from tests.oracle import exports
from tests.oracle.money import Rates
from tests.oracle.records import Records
from tests.oracle.states import deals_at
from tests.thorough import thorough

ADDITIONS = ["created", "pulled_in", "reopened", "increased", "owner_gained"]
SUBTRACTIONS = [
    *("decreased", "pushed_out", "won", "lost", "no_decision"),
    *("deleted", "merged", "owner_lost"),
]
MONTHS = {"month": 1, "quarter": 3}

Totals = dict[tuple[str, str], Decimal]


def bridge(published: Published, condition: str = "true") -> pd.DataFrame:
    """Rows of the bridge, its numbers as exact decimals."""
    rows = published.marts(f"select * from marts.fct_pipeline_bridge where {condition}")
    numbers = ["opening", *ADDITIONS, *SUBTRACTIONS, "currency", "closing"]
    return rows.assign(**{name: [Decimal(str(x)) for x in rows[name]] for name in numbers})


class Pipeline:
    """What is open at the beginnings of months, by rep and currency, replayed by pandas."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.rates = Rates(records)
        self._seen: dict[pd.Timestamp, tuple[Totals, Totals]] = {}

    def at(self, month: pd.Timestamp, basis: str) -> Totals:
        """By rep and currency, each also `all` reps, just before a month begins; at most now."""
        if month not in self._seen:
            self._seen[month] = self._totals(month)
        native, reporting = self._seen[month]
        return native if basis == "native" else reporting

    def _totals(self, month: pd.Timestamp) -> tuple[Totals, Totals]:
        begins = self.records.utc(month) - pd.Timedelta(microseconds=1)
        moment = min(begins, self.records.as_of)
        deals = deals_at(self.records, moment)
        deals = deals[(deals["status"] == "open") & deals["removal"].isna()]
        if moment < self.records.as_of:
            deals = deals[deals["begins_at"].notna()]
        day = self.records.local(pd.Series([moment]))[0].date()
        native: Totals = defaultdict(Decimal)
        reporting: Totals = defaultdict(Decimal)
        for owner, amount, currency in zip(
            deals["owner_id"], deals["amount"], deals["currency"], strict=True
        ):
            worth = self.rates.convert(amount, currency, day) or Decimal(0)
            for rep in ("all", owner or "(none)"):
                native[rep, currency or self.records.currency] += Decimal(amount or 0)
                reporting[rep, self.records.currency] += worth
        return native, reporting


@pytest.mark.parametrize("name", TEST_COMPANIES)
def test_every_row_balances_to_the_cent(published: Publish, name: str) -> None:
    rows = bridge(published(name), "n_without_history = 0")
    made = rows["opening"] + rows["currency"]
    for movement in ADDITIONS:
        made += rows[movement]
    for movement in SUBTRACTIONS:
        made -= rows[movement]
    off = abs(made - rows["closing"]) >= Decimal("0.005")
    assert not off.any(), rows[off].head().T


def test_what_was_due_is_not_known_without_a_history_of_close_dates(published: Publish) -> None:
    """Maven's export has none: of all that is due, only what is so now is known."""
    rows = published("maven").marts(
        "select period_start, opening, won, closing, n_without_history > 0 as is_unknown "
        "from marts.fct_pipeline_bridge where scope = 'due' and period_grain = 'month' "
        "and dimension = 'company' and basis = 'reporting' order by period_start"
    )
    assert rows["is_unknown"].all()
    assert rows["won"].isna().all()
    assert rows["opening"].iloc[1:].isna().all()
    assert rows["closing"].notna().tolist() == [False] * (len(rows) - 1) + [True]


@pytest.mark.parametrize("grain", ["month", pytest.param("quarter", marks=thorough)])
@pytest.mark.parametrize("name", TEST_COMPANIES)
def test_opening_and_closing_are_the_replayed_state(
    published: Publish, name: str, grain: str
) -> None:
    company = published(name)
    pipeline = Pipeline(getattr(exports, name)(TEST_COMPANIES[name].exports))
    rows = bridge(company, f"scope = 'open' and period_grain = '{grain}'")
    assert set(rows["basis"]) >= {"reporting"}
    # Olist's deals have no owners.
    assert set(rows["dimension"]) >= ({"company"} if name == "olist" else {"company", "rep"})
    for (start, basis), period in rows.groupby(["period_start", "basis"]):
        first = pd.Timestamp(start)
        for column, moment in (
            ("opening", first),
            ("closing", first + pd.DateOffset(months=MONTHS[grain])),
        ):
            cells = zip(period["dimension_key"], period["currency_code"], strict=True)
            found = dict(zip(cells, period[column], strict=True))
            wanted = pipeline.at(moment, basis)
            off = {
                cell: (found.get(cell), wanted.get(cell))
                for cell in found.keys() | wanted.keys()
                if found.get(cell, 0) != wanted.get(cell, 0)
            }
            assert not off, f"{column} of {start:%Y-%m-%d}, {basis}: {off}"


@pytest.mark.parametrize(
    ("movement", "month", "rep", "currency", "amount"),
    [
        ("deleted", "2025-08-01", "ben", "USD", 5000),
        ("merged", "2025-10-01", "dirk", "EUR", 15000),
        ("owner_lost", "2025-11-01", "felix", "EUR", 19000),
        ("owner_gained", "2025-11-01", "chloe", "EUR", 19000),
    ],
)
def test_deals_that_go_have_movements_of_their_own(
    published: Publish, movement: str, month: str, rep: str, currency: str, amount: int
) -> None:
    """`deleted_while_open`, `merged_while_open` and `owner_left_while_open`."""
    [row] = bridge(
        published("edge_cases"),
        f"scope = 'open' and period_grain = 'month' and period_start = '{month}' "
        f"and dimension_key = '{rep}' and basis = 'native' and currency_code = '{currency}'",
    ).to_dict("records")
    assert row[movement] == amount
