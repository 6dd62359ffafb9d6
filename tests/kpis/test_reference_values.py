"""The figures of reference_values.csv, recomputed by others from the raw files, as published."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Mapping

import pytest

from tests.conftest import Publish
from tests.kpis.companies import SHARED, Published

Figure = Callable[[Published], float]


def kpi(metric: str, variant: str = "default", **where: str) -> Figure:
    """A KPI of all time, unless said otherwise."""
    return lambda published: published.kpi(metric, variant, **where)


def of(dimension: str, key: str) -> dict[str, str]:
    """One part of a cut."""
    return {"dimension": dimension, "dimension_key": key}


def quarter(start: str) -> dict[str, str]:
    """One quarter."""
    return {"period_grain": "quarter", "period_start": start}


def count(condition: str) -> Figure:
    """Number of deals."""
    sql = f"select count(*) as n from marts.fct_opportunities where {condition}"
    return lambda published: float(published.marts(sql)["n"].iloc[0])


def entered(stage: str) -> Figure:
    """Number of deals that ever entered a stage."""
    sql = (
        "select count(distinct opportunity_key) as n from marts.fct_opportunity_changes "
        "where field = 'stage' and new_value = ?"
    )
    return lambda published: float(published.marts(sql, [stage])["n"].iloc[0])


def with_negative_cycles(published: Published) -> float:
    """The mean cycle with the deals that were won before their first contact, in whole days."""
    cycle = published.marts(
        "select numerator, n_included from marts.kpi_values where metric = 'sales_cycle_days' "
        "and variant = 'default' and period_grain = 'all' and dimension = 'company'"
    ).iloc[0]
    excluded = published.marts(
        "select days_from_contact_to_close as days from marts.fct_opportunities where "
        "opportunity_key in (select entity_key from marts.kpi_exclusions where "
        "metric = 'sales_cycle_days' and variant = 'default')"
    )["days"]
    total = float(cycle["numerator"]) + float(excluded.sum())
    return total / (int(cycle["n_included"]) + len(excluded))


def of_ads(figure: str) -> Figure:
    """A figure of all advertising."""
    sql = f"select {figure} as figure from marts.fct_spend_daily"
    return lambda published: float(published.marts(sql)["figure"].iloc[0])


def funnel(figure: str) -> Figure:
    """A figure of the funnel of all leads."""
    sql = (
        f"select {figure} as figure from marts.mart_funnel "
        "where dimension = 'company' and cohort_month is null"
    )
    return lambda published: float(published.marts(sql)["figure"].iloc[0])


def of_invoices(figure: str, condition: str = "true") -> Figure:
    """A figure of invoices."""
    sql = f"select {figure} as figure from marts.fct_invoices where {condition}"
    return lambda published: float(published.marts(sql)["figure"].iloc[0])


def cohort(month: str, figure: str, months_since: int) -> Figure:
    """A figure of a cohort of customers, some months later."""
    sql = (
        f"select {figure} as figure from marts.mart_retention_cohorts "
        "where cohort_month = cast(? as date) and months_since = ?"
    )
    return lambda published: float(published.marts(sql, [month, months_since])["figure"].iloc[0])


def kept(figure: str, before: str, month: str) -> Figure:
    """What is kept of one month in the next, of all cohorts."""
    sql = (
        f"select sum({figure}_kept) filter (month_start = cast(? as date)) "
        f"/ sum({figure}) filter (month_start = cast(? as date)) as figure "
        "from marts.mart_retention_cohorts"
    )
    return lambda published: float(published.marts(sql, [month, before])["figure"].iloc[0])


NOVEMBER = "issued_on between date '2010-11-01' and date '2010-11-30'"
REPEATED = "(select count(*) as n from marts.fct_invoices group by customer_key)"

FIGURES: Mapping[tuple[str, str], Figure] = {
    ("maven_crm", "opportunities"): count("true"),
    ("maven_crm", "won"): kpi("deals_won"),
    ("maven_crm", "lost"): kpi("deals_lost"),
    ("maven_crm", "engaging_open"): count("is_open and stage = 'Engaging'"),
    ("maven_crm", "prospecting_open"): count("is_open and stage = 'Prospecting'"),
    ("maven_crm", "win_rate_closed"): kpi("win_rate"),
    ("maven_crm", "won_revenue"): kpi("revenue_won"),
    ("maven_crm", "avg_won"): kpi("average_deal_size"),
    ("maven_crm", "median_won"): kpi("average_deal_size", "median"),
    ("maven_crm", "cycle_won_mean_days"): kpi("sales_cycle_days"),
    ("maven_crm", "cycle_won_median_days"): kpi("sales_cycle_days", "median"),
    ("maven_crm", "cycle_closed_mean_days"): kpi("sales_cycle_days", "closed"),
    ("maven_crm", "open_pipeline_list_price"): kpi("pipeline_value"),
    ("maven_crm", "velocity_per_day_closed"): kpi("sales_velocity"),
    ("maven_crm", "top_agent_revenue_Darcel Schlecht"): kpi(
        "revenue_won", **of("rep", "Darcel Schlecht")
    ),
    ("maven_crm", "product_GTX Pro_revenue"): kpi("revenue_won", **of("product", "GTX Pro")),
    ("maven_crm", "won_rev_2017Q1"): kpi("revenue_won", **quarter("2017-01-01")),
    ("maven_crm", "won_rev_2017Q2"): kpi("revenue_won", **quarter("2017-04-01")),
    ("maven_crm", "won_rev_2017Q3"): kpi("revenue_won", **quarter("2017-07-01")),
    ("maven_crm", "won_rev_2017Q4"): kpi("revenue_won", **quarter("2017-10-01")),
    ("maven_crm", "rev_West"): kpi("revenue_won", **of("region", "West")),
    ("maven_crm", "rev_Central"): kpi("revenue_won", **of("region", "Central")),
    ("maven_crm", "rev_East"): kpi("revenue_won", **of("region", "East")),
    ("olist", "mql"): funnel("leads"),
    ("olist", "closed"): kpi("deals_won"),
    ("olist", "conv"): kpi("lead_conversion_rate"),
    ("olist", "conv_paid_search"): kpi("lead_conversion_rate", **of("channel", "paid search")),
    ("olist", "conv_organic"): kpi("lead_conversion_rate", **of("channel", "organic search")),
    ("olist", "conv_social"): kpi("lead_conversion_rate", **of("channel", "social")),
    ("olist", "conv_unknown_literal"): kpi("lead_conversion_rate", **of("channel", "unknown")),
    ("olist", "cycle_mean_days"): with_negative_cycles,
    ("olist", "cycle_median_days"): kpi("sales_cycle_days", "median"),
    ("olist", "avg_days_social"): kpi("sales_cycle_days", **of("lead_source", "social")),
    ("kag", "rows"): of_ads("count(*)"),
    ("kag", "spend"): kpi("marketing_spend"),
    ("kag", "impressions"): of_ads("sum(impressions)"),
    ("kag", "clicks"): of_ads("sum(clicks)"),
    ("kag", "leads"): funnel("leads"),
    ("kag", "customers"): of_ads("sum(conversions)"),
    ("kag", "cac"): kpi("customer_acquisition_cost", "ads"),
    ("kag", "cpc"): of_ads("sum(spend) / sum(clicks)"),
    ("kag", "cac_campaign_1178"): kpi("customer_acquisition_cost", "ads", **of("campaign", "1178")),
    ("online_retail_2009_10", "customers"): of_invoices("count(distinct customer_key)"),
    ("online_retail_2009_10", "orders"): of_invoices("count(*)"),
    ("online_retail_2009_10", "revenue"): of_invoices("sum(total_native)"),
    ("online_retail_2009_10", "aov"): of_invoices("avg(total_native)"),
    ("online_retail_2009_10", "repeat_rate"): of_invoices(
        f"(select avg(cast(n > 1 as integer)) from {REPEATED})"
    ),
    ("online_retail_2009_10", "rev_2010-11"): of_invoices("sum(total_native)", NOVEMBER),
    ("online_retail_2009_10", "cohort_2009-12_size"): cohort("2009-12-01", "customers", 0),
    ("online_retail_2009_10", "cohort_2009-12_m1"): cohort("2009-12-01", "customer_retention", 1),
    ("online_retail_2009_10", "nrr_oct_nov_2010"): kept("money", "2010-10-01", "2010-11-01"),
    ("online_retail_2009_10", "logo_ret_oct_nov_2010"): kept(
        "customers", "2010-10-01", "2010-11-01"
    ),
    ("bpi2012_handout", "cases"): count("true"),
    ("bpi2012_handout", "preaccepted"): entered("A_PREACCEPTED"),
    ("bpi2012_handout", "accepted"): entered("A_ACCEPTED"),
    ("bpi2012_handout", "finalized"): entered("A_FINALIZED"),
    ("bpi2012_handout", "won"): kpi("deals_won"),
    ("bpi2012_handout", "declined"): kpi("deals_lost"),
    ("bpi2012_handout", "cancelled"): kpi("deals_no_decision"),
    ("bpi2012_handout", "open"): count("is_open"),
    ("bpi2012_handout", "win_rate_closed"): kpi("win_rate"),
    ("bpi2012_handout", "won_amount"): kpi("revenue_won"),
    ("bpi2012_handout", "open_amount"): kpi("pipeline_value"),
    ("bpi2012_handout", "avg_won"): kpi("average_deal_size"),
    ("bpi2012_handout", "cycle_won_mean_days"): kpi("sales_cycle_days"),
    ("bpi2012_handout", "cycle_won_median_days"): kpi("sales_cycle_days", "median"),
}
COMPANY_OF = {
    "maven_crm": "maven",
    "olist": "olist",
    "kag": "kag",
    "online_retail_2009_10": "online_retail",
    "bpi2012_handout": "bpi2012",
}

OTHERS = {
    ("maven_crm", "win_rate_all"),  # the wrong denominator, there as a warning
    ("online_retail_2009_10", "rows"),  # lines; it is loaded by invoice
    ("online_retail_2009_10", "null_customer_rows"),  # lines of nobody known, left out
    ("online_retail_2009_10", "clean_rows"),  # the other lines
    ("bpi2012_handout", "events"),  # all events, also those of offers and work items
}


def reference_values() -> Mapping[tuple[str, str], str]:
    """The figures as written, by dataset and metric; none where the folder is absent."""
    file = SHARED / "reference_values.csv"
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {(row["dataset"], row["metric"]): row["value"] for row in csv.DictReader(lines)}


@pytest.mark.parametrize(("dataset", "metric"), FIGURES)
def test_a_reference_value_is_reproduced(published: Publish, dataset: str, metric: str) -> None:
    company = published(COMPANY_OF[dataset])
    written = reference_values()[dataset, metric]
    digits = len(written.partition(".")[2])
    figure = FIGURES[dataset, metric](company)
    assert figure == pytest.approx(float(written), abs=0.5000001 * 10**-digits)


def test_no_reference_value_is_left_out() -> None:
    values = reference_values()
    if not values:
        pytest.skip(f"no reference values on this machine: {SHARED}")
    concerned = {key for key in values if key[0] in COMPANY_OF}
    assert concerned == FIGURES.keys() | OTHERS


def test_olist_keeps_missing_and_unknown_channels_apart(published: Publish) -> None:
    rows = published("olist").marts(
        "select dimension_key, numerator, denominator from marts.kpi_values "
        "where metric = 'lead_conversion_rate' and variant = 'default' "
        "and period_grain = 'all' and (dimension = 'channel' or dimension = 'company')"
    )
    found = {row.dimension_key: (row.numerator, row.denominator) for row in rows.itertuples()}
    assert found["all"] == (842, 8000)
    assert found["unknown"] == (179, 1099)
    assert found["(none)"] == (14, 60)


def test_bpi_months_are_those_of_amsterdam(published: Publish) -> None:
    """Applications of the first hours of October, local time, would be of September in UTC."""
    rows = published("bpi2012").marts(
        "select period_start, n_included from marts.kpi_values where metric = 'pipeline_created' "
        "and variant = 'count' and period_grain = 'month' and dimension = 'company' order by 1"
    )
    months = {start.date(): n for start, n in rows.itertuples(index=False)}
    assert min(months) == dt.date(2011, 10, 1)
    assert sum(months.values()) == 7455
