"""What must hold of the published KPIs of any company."""

from __future__ import annotations

import pandas as pd
import pytest

from ingestion.contract.entities import ENTITIES
from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published
from tests.kpis.test_against_oracle import METRICS
from tests.oracle import exports

ADDITIVE = (
    "deals_won", "deals_lost", "deals_no_decision", "revenue_won", "pipeline_created",
    "marketing_spend", "pipeline_sourced", "new_mrr", "churned_mrr", "cash_collected", "activities",
)  # fmt: skip
SHARED_OUT = "per_rep_day"
"""The variant of a sum that divides it."""
OF_NOW = "share_touched_14d"
"""The variant that has no periods."""
STATES = ("pipeline_value", "mrr", "arr")
"""Sums of what there is at the end of a period."""
OF_PERIODS = (
    "slippage_rate", "net_revenue_retention", "gross_revenue_retention", "customer_retention_rate",
    "logo_churn_rate", "average_revenue_per_account", "days_sales_outstanding",
)  # fmt: skip
"""What compares the two ends of a period, or is of one of them."""
BESIDE = ("cac_payback_months",)
"""What stands beside its records makes a number of these, where no record is counted, too."""
OF_QUOTAS = ("quota_attainment", "reps_at_quota")
CELL = ["metric", "variant", "period_grain", "period_start", "dimension", "dimension_key"]
CENT = 0.005

# From the last company on: another worker publishes them from the first on.
pytestmark = pytest.mark.parametrize("name", list(reversed(TEST_COMPANIES)))


def rows(published: Published, condition: str = "true") -> pd.DataFrame:
    """Rows of the metrics that this issue is about; exact numbers as floats."""
    listed = ", ".join(f"'{metric}'" for metric in METRICS)
    frame = published.marts(
        f"select * from marts.kpi_values where metric in ({listed}) and ({condition})"
    )
    numbers = ["value", "numerator", "denominator"]
    return frame.assign(**frame[numbers].astype(float))


def adds_up(frame: pd.DataFrame) -> pd.Series:
    """Which rows are of metrics whose parts add up to the whole."""
    return frame["metric"].isin((*ADDITIVE, *STATES)) & (frame["variant"] != SHARED_OUT)


def test_every_record_is_there_once(published: Publish, name: str) -> None:
    """The build claims it of loads, and of what is joined to records; this is of all the models."""
    keys = " union all ".join(
        f"select '{it.name}' as entity, {it.surrogate_key} as key, count(*) as times "
        f"from intermediate.int_{it.name}__unioned group by {it.surrogate_key} having count(*) > 1"
        for it in ENTITIES.values()
    )
    assert published(name).warehouse(keys).empty


def test_no_cell_is_there_twice(published: Publish, name: str) -> None:
    assert not rows(published(name)).duplicated(CELL).any()


def test_the_parts_of_a_cut_add_up_to_the_company(published: Publish, name: str) -> None:
    every = rows(published(name))
    additive = every[adds_up(every)]
    period = ["metric", "variant", "period_grain", "period_start"]
    columns = ["value", "n_included", "n_excluded"]
    cuts = additive.groupby([*period, "dimension"], dropna=False)
    sums = cuts[columns].sum().join(cuts["value"].agg(are_known=lambda parts: parts.notna().all()))
    for metric, of_metric in sums.groupby("metric"):
        known = of_metric["are_known"].unstack("dimension", fill_value=True)
        for column, tolerance in (("value", CENT), ("n_included", 0), ("n_excluded", 0)):
            parts = of_metric[column].unstack("dimension").fillna(0)
            off = parts.sub(parts["company"], axis=0).abs() > tolerance
            if column == "value":
                off &= known.mul(known["company"], axis=0)
            assert not off.any(axis=None), f"{metric}\n{parts[off.any(axis=1)].head()}"


def test_months_add_up_to_quarters_years_and_all(published: Publish, name: str) -> None:
    """All time has what has no date, too: that is excluded, and adds nothing."""
    condition = "variant not in {} and metric not in {}".format(
        ("median", OF_NOW), (*OF_QUOTAS, "sales_velocity", *STATES, *OF_PERIODS)
    )
    summed = rows(published(name), condition)
    fiscal = getattr(exports, name)(TEST_COMPANIES[name].exports).fiscal_year_start_month
    offset = pd.DateOffset(months=(13 - fiscal) % 12)
    key = ["metric", "variant", "dimension", "dimension_key"]
    months = summed[summed["period_grain"] == "month"]
    start = pd.to_datetime(months["period_start"])
    of_year = (start + offset).dt.to_period("Y").dt.start_time - offset
    of_quarter = (start + offset).dt.to_period("Q").dt.start_time - offset
    for grain, period in (("quarter", of_quarter), ("year", of_year), ("all", None)):
        whole = summed[summed["period_grain"] == grain]
        by = key if period is None else [*key, "period"]
        added = months.assign(period=period).groupby(by)[["numerator", "denominator", "n_included"]]
        sums = added.sum()
        whole = whole.assign(period=pd.to_datetime(whole["period_start"])).set_index(by)
        off = (whole[sums.columns].fillna(0) - sums.reindex(whole.index).fillna(0)).abs() > CENT
        assert not off.any(axis=None), whole[off.any(axis=1)].head()


def test_a_value_is_numerator_by_denominator(published: Publish, name: str) -> None:
    ratios = rows(published(name), "denominator is not null")
    nothing = ratios["denominator"] == 0
    assert ratios.loc[nothing, "value"].isna().all()
    quotient = ratios["numerator"] / ratios["denominator"]
    off = (ratios["value"] - quotient).abs() > 1e-6 * (1 + quotient.abs())
    assert not off[~nothing].any(), ratios[~nothing & off].head()


def test_only_what_adds_up_and_medians_have_no_denominator(published: Publish, name: str) -> None:
    without = rows(published(name), "denominator is null")
    additive = adds_up(without)
    assert ((without["variant"] == "median") | additive).all()
    pd.testing.assert_series_equal(
        without.loc[additive, "value"], without.loc[additive, "numerator"], check_names=False
    )


def test_a_metric_without_members_has_no_value(published: Publish, name: str) -> None:
    empty = rows(published(name), "n_included = 0")
    additive = adds_up(empty)
    assert (empty.loc[additive, "value"].dropna() == 0).all()
    assert empty.loc[additive & empty["n_excluded"].eq(0), "value"].notna().all()
    assert empty.loc[~additive & ~empty["metric"].isin(BESIDE), "value"].isna().all()


def test_included_and_excluded_are_the_population(published: Publish, name: str) -> None:
    company = published(name)
    closed = "status in ('won', 'lost', 'no_decision')"
    populations = {
        ("deals_won", "default"): "status = 'won'",
        ("deals_lost", "default"): "status = 'lost'",
        ("deals_no_decision", "default"): "status = 'no_decision'",
        ("revenue_won", "default"): "status = 'won'",
        ("average_deal_size", "median"): "status = 'won'",
        ("win_rate", "default"): closed,
        ("win_rate", "decided"): "status in ('won', 'lost')",
        ("win_rate", "by_value"): closed,
        ("win_rate", "cohort"): "true",
        ("no_decision_rate", "default"): closed,
        ("sales_cycle_days", "median"): "status = 'won'",
        ("sales_cycle_days", "closed"): closed,
        ("sales_velocity", "default"): closed,
        ("pipeline_created", "default"): "true",
        ("pipeline_created", "count"): "true",
        ("pipeline_created", "as_created"): "true",
        ("touches_per_won_deal", "default"): "status = 'won'",
        ("follow_up_gap_days", "share_touched_14d"): "status = 'open'",
    }
    whole = rows(company, "period_grain = 'all' and dimension = 'company'")
    cells = {(row.metric, row.variant): row for row in whole.itertuples()}
    counts = [f"count(case when {it} then 1 end)" for it in populations.values()]
    [sizes] = company.marts(f"select {', '.join(counts)} from marts.fct_opportunities").to_numpy()
    left_out = company.marts(
        "select metric, variant, count(*) as n from marts.kpi_exclusions group by metric, variant"
    ).set_index(["metric", "variant"])["n"]
    for (metric, variant), population in zip(populations, sizes, strict=True):
        excluded = left_out.get((metric, variant), 0)
        cell = cells.get((metric, variant))
        counted = (cell.n_included, cell.n_excluded) if cell else (0, 0)
        assert counted == (population - excluded, excluded), (metric, variant)


def test_activities_are_those_that_were_done(published: Publish, name: str) -> None:
    """Each is counted or deleted; each lead is answered, never answered, or excluded."""
    company = published(name)
    whole = rows(company, "period_grain = 'all' and dimension = 'company'")
    counted = whole.set_index(["metric", "variant"])[["n_included", "n_excluded"]].sum(axis=1)
    populations = {
        ("activities", "default"): "select count(*) as n from marts.fct_activities where is_done",
        ("lead_response_hours", "never"): "select count(*) as n from "
        "intermediate.int_leads__unioned",
    }
    for (metric, variant), sql in populations.items():
        population = company.warehouse(sql)["n"].iloc[0]
        assert counted.get((metric, variant), 0) == population, metric


def test_weeks_begin_on_mondays_and_add_up_to_all(published: Publish, name: str) -> None:
    """What has no date is in no week. Days of reps are of weeks, or of months, with activities."""
    weekly = rows(published(name), "period_grain = 'week'")
    assert (pd.to_datetime(weekly["period_start"]).dt.weekday == 0).all()
    columns = ["numerator", "denominator", "n_included"]
    cell = ["metric", "variant", "dimension", "dimension_key"]
    of_weeks = weekly[weekly["variant"] != "median"].groupby(cell)[columns].sum()
    of_all = rows(published(name), "period_grain = 'all'").set_index(cell)[columns]
    of_all = of_all[of_all.index.isin(of_weeks.index)].fillna(0)
    divided = of_all.index.get_level_values("variant") == SHARED_OUT
    for column in columns:
        off = (of_all[column] - of_weeks[column].reindex(of_all.index)).abs() > CENT
        if column != "numerator":
            off &= ~divided
        assert not off.any(), of_all[off].head()


def test_every_metric_of_weeks_has_them_for_all_its_cells(published: Publish, name: str) -> None:
    """A cell that has a month has the weeks of its days, but for days that no month counts."""
    company = published(name)
    with_weeks = company.marts(
        "select distinct metric from marts.kpi_values where period_grain = 'week'"
    )["metric"]
    assert set(with_weeks) <= {
        "activities", "lead_response_hours", "follow_up_gap_days", "touches_per_won_deal",
        "inquiry_response_hours", "deals_won", "deals_lost", "deals_no_decision", "revenue_won",
        "pipeline_created",
    }  # fmt: skip
    dated = rows(company, "period_grain = 'month' and n_included > 0")
    dated = dated[dated["metric"].isin(with_weeks)]
    cell = ["metric", "variant", "dimension", "dimension_key"]
    weekly = rows(company, "period_grain = 'week' and n_included > 0").set_index(cell)
    assert pd.MultiIndex.from_frame(dated[cell]).isin(weekly.index).all()


def test_who_answers_in_an_hour_answers_in_a_day(published: Publish, name: str) -> None:
    """And what is answered in a day is not never answered; hours of work are hours."""
    cell = ["period_grain", "period_start", "dimension", "dimension_key"]
    for metric in ("lead_response_hours", "inquiry_response_hours"):
        every = rows(published(name), f"metric = '{metric}'").fillna({"period_start": ""})
        parts = {it: of.set_index(cell).sort_index() for it, of in every.groupby("variant")}
        if not parts:
            continue
        never, within = parts["never"], parts["within_24h"]
        assert never.index.equals(within.index)
        assert (within["numerator"] + never["numerator"] <= never["denominator"]).all()
        assert (within["n_included"] <= never["n_included"]).all()
        if metric == "lead_response_hours":
            soon, worked, hours = (parts[it] for it in ("within_1h", "business_hours", "default"))
            assert (soon["numerator"] <= within["numerator"]).all()
            assert (worked["numerator"] <= hours["numerator"] + CENT).all()
            assert (worked["n_included"] == hours["n_included"]).all()


def test_days_of_reps_are_the_same_whatever_was_done(published: Publish, name: str) -> None:
    every = rows(published(name), "metric = 'activities'").fillna({"period_start": ""})
    period = ["period_grain", "period_start"]
    per_day, counts = (every[every["variant"] == it] for it in (SHARED_OUT, "default"))
    whole = per_day[per_day["dimension"] == "company"].set_index(period)
    types = per_day[per_day["dimension"] == "activity_type"].set_index(period)
    assert (types["denominator"] == whole["denominator"].reindex(types.index)).all()
    assert (types["n_included"] == whole["n_included"].reindex(types.index)).all()
    cell = [*period, "dimension", "dimension_key"]
    done = counts.set_index(cell)["value"]
    of_reps = per_day.set_index(cell)["numerator"]
    assert (of_reps <= done.reindex(of_reps.index).fillna(0)).all()
    teams = per_day[per_day["dimension"] == "team"].groupby(period)["denominator"].sum()
    assert (teams == whole["denominator"].reindex(teams.index)).all()


def test_every_variant_is_defined(published: Publish, name: str) -> None:
    undefined = published(name).marts(
        "select distinct metric, variant from marts.kpi_values "
        "except select metric, variant from marts.kpi_definitions"
    )
    assert undefined.empty, undefined


def test_no_period_begins_after_now(published: Publish, name: str) -> None:
    company = getattr(exports, name)(TEST_COMPANIES[name].exports)
    today = company.local(pd.Series([company.as_of]))[0]
    dated = rows(published(name), "period_start is not null")
    later = dated[pd.to_datetime(dated["period_start"]) > today]
    assert later.empty, later.head()
    assert (pd.to_datetime(rows(published(name))["as_of"]) == company.as_of).all()


def test_reps_and_managers_bear_their_names(published: Publish, name: str) -> None:
    """Somebody of whom no source tells a name has their id."""
    users = getattr(exports, name)(TEST_COMPANIES[name].exports)["users"]
    names = dict(zip(users["source_id"], users["name"], strict=True)) | {"(none)": "(none)"}
    people = rows(published(name), "dimension in ('rep', 'manager')")
    assert len(people) > 0
    told = people["dimension_key"].map(lambda key: names.get(key, key))
    assert (people["dimension_label"] == told).all()
