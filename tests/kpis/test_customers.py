"""New customers, what has happened to customers, and what they are worth, beside the oracle."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published
from tests.oracle import exports
from tests.oracle.acquisition import new_customers
from tests.oracle.cash import Ledger
from tests.oracle.customers import Customers
from tests.oracle.existing import local
from tests.oracle.members import deals_now
from tests.oracle.records import INSTANT
from tests.oracle.recurring import Subscriptions

NAME = "edge_cases"
PERIOD = ["period_grain", "period_start"]
CENT = 0.005
MOVEMENTS = ("started", "returned", "expanded", "contracted", "churned")


@cache
def _books() -> tuple[Ledger, Subscriptions, pd.DataFrame]:
    """What is read of the exports, without the product's code."""
    read = exports.edge_cases(TEST_COMPANIES[NAME].exports)
    deals = deals_now(read, read.as_of)
    customers = Customers.of(read, deals, read.as_of)
    return Ledger(read, customers, read.as_of), Subscriptions(read, customers, read.as_of), deals


@pytest.fixture
def company(published: Publish) -> Published:
    return published(NAME)


def test_each_customer_is_new_when_the_exports_say_so(company: Published) -> None:
    rows = company.marts("select * from marts.fct_new_customers")
    found = {
        (
            row.account_id if pd.notna(row.account_id) else row.customer_id,
            row.became_customer_at,
            row.became_customer_by,
            row.channel,
            row.campaign_id,
        )
        for row in rows.itertuples()
    }
    wanted = {
        (one.id.split(" ", 1)[1], one.at, one.by, one.reached.channel, one.reached.campaign)
        for one in new_customers(*_books())
    }
    assert len(rows) == len(wanted)
    assert found == wanted


def test_the_changes_of_a_window_are_the_difference_of_two_states(company: Published) -> None:
    """Both at today's rates: the effects add up to what recurring revenue has changed by."""
    _, subscriptions, _ = _books()
    today = local(subscriptions.records, subscriptions.as_of)
    now = subscriptions.held(subscriptions.as_of, today)
    changes = company.marts("select * from marts.mart_customer_changes")
    changes = changes[changes["movement"].isin(MOVEMENTS)]
    windows = company.marts(
        """select since, since_at from marts.mart_pipeline_changes
        union select since, since_at from marts.mart_customer_changes"""
    )
    assert len(changes), "nothing has happened: the test would prove nothing"
    for window in windows.itertuples():
        then = subscriptions.held(window.since_at - INSTANT, today)
        wanted = {
            customer: tuple(
                float(state[customer].mrr or 0) if customer in state else 0 for state in (then, now)
            )
            for customer in {*then, *now}
        }
        mine = changes[changes["since"] == window.since]
        found = {
            row.customer_id: (float(row.mrr_before), float(row.mrr)) for row in mine.itertuples()
        }
        assert found == {who: pair for who, pair in wanted.items() if pair[0] != pair[1]}


def test_costs_of_segments_and_of_channels_are_the_companys(company: Published) -> None:
    rows = company.marts("select * from marts.mart_unit_economics")
    rows["period_start"] = rows["period_start"].astype(str)
    costs = rows.assign(cost=rows["direct_cost"].astype(float) + rows["shared_cost"].astype(float))
    sums = costs.pivot_table(
        index=PERIOD, columns="dimension", values=["cost", "new_customers"], aggfunc="sum"
    ).dropna()
    assert len(sums) > 3
    for fact in ("cost", "new_customers"):
        for dimension in ("segment", "channel"):
            gaps = (sums[fact][dimension] - sums[fact]["company"]).abs()
            someone = sums["new_customers"]["company"] > 0
            assert gaps[someone].max() < CENT


def test_the_companys_unit_economics_are_its_kpis(company: Published) -> None:
    rows = company.marts(
        """select mart.*, kpis.metric, kpis.value
        from marts.mart_unit_economics as mart
        inner join marts.kpi_values as kpis
            on kpis.period_grain = mart.period_grain
            and kpis.period_start is not distinct from mart.period_start
            and kpis.dimension = 'company' and kpis.variant = 'default'
        where mart.dimension = 'company' and kpis.metric in
            ('customer_acquisition_cost', 'cac_payback_months', 'average_revenue_per_account')"""
    )
    assert rows["value"].notna().sum() > 5
    for metric, of in rows.groupby("metric"):
        pd.testing.assert_series_equal(of[str(metric)], of["value"], check_names=False)
