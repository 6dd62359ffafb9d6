"""Every row of kpi_values and kpi_exclusions, beside the oracle's."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published
from tests.oracle import exports
from tests.oracle.values import KEY, NUMBERS, Expected, expected

METRICS = (
    "deals_won", "deals_lost", "deals_no_decision", "revenue_won", "win_rate", "no_decision_rate",
    "average_deal_size", "sales_cycle_days", "sales_velocity", "quota_attainment",
    "reps_at_quota", "pipeline_value", "pipeline_created", "lead_conversion_rate",
    "slippage_rate", "push_count", "marketing_spend", "cost_per_lead", "customer_acquisition_cost",
    "return_on_ad_spend", "pipeline_sourced", "mrr", "arr", "net_revenue_retention",
    "gross_revenue_retention", "customer_retention_rate", "logo_churn_rate", "new_mrr",
    "churned_mrr", "quick_ratio", "average_revenue_per_account", "cash_collected",
    "days_sales_outstanding", "bookings_to_billings", "cac_payback_months", "activities",
    "lead_response_hours", "follow_up_gap_days", "touches_per_won_deal", "inquiry_response_hours",
)  # fmt: skip
EXCLUSION = [
    "metric", "variant", "entity", "entity_key", "entity_id", "reason", "period_grain",
    "period_start",
]  # fmt: skip
SHOWN = 20
MICRO = 1e-6
"""The published numbers keep six decimals of each record."""


@cache
def _expected(name: str) -> Expected:
    return expected(getattr(exports, name)(TEST_COMPANIES[name].exports))


@cache
def _values(published: Published) -> pd.DataFrame:
    """All that is published, in the oracle's shape."""
    rows = published.marts("select * from marts.kpi_values")
    start = pd.to_datetime(rows["period_start"]).dt.strftime("%Y-%m-%d").fillna("")
    return rows.assign(period_start=start.astype(object))


def values(published: Published, metric: str) -> pd.DataFrame:
    """A metric's rows."""
    rows = _values(published)
    return rows[rows["metric"] == metric]


def differences(actual: pd.DataFrame, wanted: pd.DataFrame) -> list[str]:
    """Rows that only one side has, and numbers, units or labels that differ."""
    both = wanted.merge(actual, on=KEY, how="outer", suffixes=("", " published"), indicator=True)
    found = []
    for side, said in (("left_only", "not published"), ("right_only", "not expected")):
        found += [f"{said}: {row}" for row in both.loc[both["_merge"] == side, KEY].to_numpy()]
    both = both[both["_merge"] == "both"]
    for column in (*NUMBERS, "unit", "dimension_label"):
        ours, theirs = both[column], both[f"{column} published"]
        if column in NUMBERS:
            near = MICRO * (1 + both["n_included"] + ours.astype(float).abs())
            gap = (ours.astype(float) - theirs.astype(float)).abs()
            same = ((gap <= near) | (ours.isna() & theirs.isna())).to_numpy()
        else:
            same = (ours == theirs).to_numpy()
        wrong = both[~same]
        found += [
            f"{column} of {list(key)}: {want} expected, {have} published"
            for key, want, have in zip(
                wrong[KEY].itertuples(index=False, name=None),
                ours[~same],
                theirs[~same],
                strict=True,
            )
        ]
    return found


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", TEST_COMPANIES)
def test_every_row_of_a_metric_is_the_oracles(published: Publish, name: str, metric: str) -> None:
    actual = values(published(name), metric)
    wanted = _expected(name).values
    found = differences(actual, wanted[wanted["metric"] == metric])
    assert not found, f"{len(found)} differences\n" + "\n".join(found[:SHOWN])


@pytest.mark.parametrize("name", TEST_COMPANIES)
def test_every_exclusion_is_the_oracles(published: Publish, name: str) -> None:
    rows = published(name).marts("select * from marts.kpi_exclusions")
    rows = rows[rows["metric"].isin(METRICS)]
    start = pd.to_datetime(rows["period_start"]).dt.strftime("%Y-%m-%d")
    rows = rows.assign(period_start=start.astype(object))
    actual = set(rows[EXCLUSION].fillna("").itertuples(index=False, name=None))
    exclusions = _expected(name).exclusions
    exclusions = exclusions.loc[exclusions["metric"].isin(METRICS), EXCLUSION].fillna("")
    wanted = set(exclusions.itertuples(index=False, name=None))
    assert len(rows) == len(actual), "an exclusion is listed twice"
    assert sorted(actual - wanted)[:SHOWN] == [], "not expected"
    assert sorted(wanted - actual)[:SHOWN] == [], "not published"


def test_the_metrics_are_all_there(published: Publish) -> None:
    rows = published("edge_cases").marts("select distinct metric from marts.kpi_values")
    assert set(METRICS) <= set(rows["metric"])
