"""Recognition and ramp of published companies, row by row from their deals and months."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ingestion.company.reading import load_company
from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published
from tests.people.scorecard import Book

COMPANIES = ("edge_cases", "maven")
IMPROVING = ("revenue_won", "deals_won", "win_rate", "quota_attainment", "pipeline_created")
MONTHS_BEFORE = 6

pytestmark = pytest.mark.parametrize("name", COMPANIES)


def book_of(company: Published, name: str) -> Book:
    return Book.of(company.warehouse, load_company(TEST_COMPANIES[name].file).timezone)


def wins(company: Published) -> pd.DataFrame:
    """Deals won, with the day of their closing."""
    deals = company.warehouse(
        """select rep_id, opportunity_id, closed_on, amount from marts.fct_opportunities
        where status = 'won' and removal is null and closed_on is not null"""
    )
    return deals.assign(won_on=pd.to_datetime(deals["closed_on"]).dt.date)


def usual(measures: pd.DataFrame) -> pd.DataFrame:
    """Values of the usual variants, those who nobody knows left out."""
    known = (measures["variant"] == "default") & measures["value"].notna()
    return measures[known].sort_values("month_start")


def records_and_best_months(measures: pd.DataFrame) -> set[tuple[Any, ...]]:
    """Who beat everyone's months before, and who their own: month, kind, rep, previous."""
    revenue = usual(measures).query("metric == 'revenue_won'")
    found = set()
    for month, rows in revenue.groupby("month_start"):
        before = revenue[revenue["month_start"] < month]
        if before["month_start"].nunique() >= MONTHS_BEFORE:
            best = before["value"].max()
            for row in rows[rows["value"] == rows["value"].max()].itertuples():
                if row.value > best and row.role == "rep":
                    found.add((month, "company_record", row.rep_id, best))
    for rep, rows in revenue[revenue["role"] == "rep"].groupby("rep_id"):
        values = list(zip(rows["month_start"], rows["value"], strict=True))
        for place, (month, value) in enumerate(values):
            before = [earlier for _, earlier in values[:place]]
            if place >= MONTHS_BEFORE and value > max(before):
                found.add((month, "best_month", rep, max(before)))
    return found


def biggest_improvements(measures: pd.DataFrame, over_by: dt.date) -> set[tuple[Any, ...]]:
    """Whose month that has ended is furthest beyond six before: month, rep, metric."""
    enough = usual(measures)
    enough = enough[enough["is_enough_data"] & enough["metric"].isin(IMPROVING)]
    by_month: dict[dt.date, dict[tuple[str, str], float]] = {}
    for (rep, metric), rows in enough[enough["role"] == "rep"].groupby(["rep_id", "metric"]):
        values = dict(zip(rows["month_start"], rows["value"], strict=True))
        for month, value in values.items():
            before = [
                values[earlier]
                for back in range(1, 7)
                if (earlier := (pd.Timestamp(month) - pd.DateOffset(months=back)).date()) in values
            ]
            spread = np.std(before, ddof=1) if len(before) == MONTHS_BEFORE else 0
            if spread > 0 and (month + dt.timedelta(days=32)).replace(day=1) <= over_by:
                beyond = stats.t.ppf(0.975, 5) * spread * np.sqrt(1 + 1 / 6)
                if value - np.mean(before) > beyond:
                    improved = float((value - np.mean(before)) / spread)
                    by_month.setdefault(month, {})[rep, metric] = improved
    return {
        (month, *key)
        for month, improved in by_month.items()
        for key, by in improved.items()
        if np.isclose(by, max(improved.values()))
    }


def test_who_is_praised_did_best(published: Publish, name: str) -> None:
    company = published(name)
    book = book_of(company, name)
    measures = book.measures()
    found = company.warehouse("select * from marts.mart_recognition")
    found["month_start"] = pd.to_datetime(found["month_start"]).dt.date
    of_revenue = found[found["kind"].isin(["company_record", "best_month"])]
    columns = ["month_start", "kind", "rep_id", "previous"]
    wanted = records_and_best_months(measures)
    assert set(of_revenue[columns].itertuples(index=False, name=None)) == wanted
    assert wanted or name != "maven"
    improved = found[found["kind"] == "biggest_improvement"]
    assert set(
        improved[["month_start", "rep_id", "metric"]].itertuples(index=False, name=None)
    ) == biggest_improvements(measures, book.over_by)


def test_the_records_behind_praise_are_the_reps_deals_of_the_month(
    published: Publish, name: str
) -> None:
    company = published(name)
    deals = wins(company)
    month = deals["won_on"].map(lambda day: day.replace(day=1))
    found = company.warehouse("select * from marts.mart_recognition")
    for row in found[found["metric"].isin(["revenue_won", "deals_won"])].itertuples():
        own = deals[(deals["rep_id"] == row.rep_id) & (month == row.month_start.date())]
        keys = row.record_keys.split(",")
        assert len(keys) == len(set(keys)) == min(row.n_records, 20)
        assert set(keys) <= set(own["opportunity_id"])
        if row.metric == "revenue_won" and row.n_records <= 20:
            behind = own[own["opportunity_id"].isin(keys)]["amount"].astype(float).sum()
            assert behind == pytest.approx(row.value)


def test_a_ramp_is_of_who_was_hired_and_says_how_long_it_took(
    published: Publish, name: str
) -> None:
    company = published(name)
    book = book_of(company, name)
    people = company.warehouse("select * from marts.dim_rep").set_index("rep_id")
    measures = usual(book.measures()).set_index(["rep_id", "month_start", "metric"])
    deals, months = wins(company), book.months()
    records = company.warehouse(
        """select min(day) as first_on from (
            select occurred_on as day from marts.fct_activities
            where has_happened and rep_id is not null
            union all
            select created_on from marts.fct_opportunities
            where removal is null and rep_id is not null
        ) as records"""
    )
    began = records["first_on"].iloc[0].date()
    wanted = {
        (rep, person["since"]): month
        for (rep, month), person in months.items()
        if person["role"] == "rep" and person["since"] is not None and person["since"] < 24
    }
    found = company.warehouse("select * from marts.mart_ramp")
    assert set(zip(found["rep_id"], found["months_since_hire"], strict=True)) == set(wanted)
    for row in found.itertuples():
        month, hired = wanted[row.rep_id, row.months_since_hire], people["hired_on"][row.rep_id]
        for column, metric in (("attainment", "quota_attainment"), ("activities", "activities")):
            told = measures["value"].get((row.rep_id, month, metric))
            assert getattr(row, column) == pytest.approx(told) or (
                told is None and pd.isna(getattr(row, column))
            )
        others = [
            measures["value"].get((rep, month, "quota_attainment"))
            for (rep, when), person in months.items()
            if when == month
            and rep != row.rep_id
            and person["role"] == "rep"
            and (person["since"] or 0) >= 12
            and measures["is_enough_data"].get((rep, month, "quota_attainment"))
        ]
        assert row.tenured_reps == len(others)
        median = np.median(others) if len(others) >= 3 else np.nan
        assert row.tenured_median == pytest.approx(median, nan_ok=True)
        if hired.date() < began:
            assert pd.isna(row.days_to_first_deal)
            assert pd.isna(row.is_censored)
            continue
        own = deals[(deals["rep_id"] == row.rep_id) & (deals["won_on"] >= hired.date())]
        left = people["left_on"][row.rep_id]
        last = book.today if pd.isna(left) else left.date() - dt.timedelta(days=1)
        end = own["won_on"].min() if len(own) else last
        assert row.is_censored == own.empty
        assert row.days_to_first_deal == (end - hired.date()).days
