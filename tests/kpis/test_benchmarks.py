"""Benchmarks: what the figures of others must say, and our own past beside pandas."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ingestion.contract.currencies import CURRENCIES
from ingestion.contract.entities import ENTITIES
from ingestion.extension.folder import NOTHING
from ingestion.extension.metrics import metrics_of
from ingestion.paths import PROJECT
from tests.conftest import Publish
from tests.kpis.companies import Published

with (PROJECT / "dbt" / "seeds" / "benchmarks.csv").open(encoding="utf-8", newline="") as file:
    FIGURES = list(csv.DictReader(file))
METRICS = metrics_of(NOTHING, ENTITIES)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
NO_SAMPLES = {
    *(("quota_attainment", variant) for variant in ("default", "deals", "activities")),
    *(("pipeline_coverage", variant) for variant in ("default", "total", "at_start")),
    ("activities", "per_rep_day"),
}
"""Quotients whose records are no sample, as they are divided by targets or days."""
NAMES = ["edge_cases", "maven", "olist"]


def written(value: float, unit: str) -> Iterator[str]:
    """How a figure may be written in a sentence."""
    shown = f"{value:g}" if value < 1e5 else f"{value:.0f}"
    if unit == "ratio":
        percent = f"{round(100 * value, 4):g}"
        yield from (f"{percent}%", f"{percent} percent", f"{percent}–", f"{percent}-")
        yield from (f"Ratio of {shown}",)
    elif unit in CURRENCIES:
        yield from (f"${value:,.0f}", f"${value:,.2f}", f"${value / 1000:g}K")
    else:
        yield from (f"{shown} {unit.rstrip('s')}",)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda it: f"{it['metric']} {it['value']}")
def test_a_figure_is_in_the_sentence_that_was_read(figure: dict[str, str]) -> None:
    ways = list(written(float(figure["value"]), figure["unit"]))
    assert any(way in figure["sentence"] for way in ways), (ways, figure["sentence"])
    assert len(figure["sentence"]) <= 160
    assert figure["evidence"] in ("published", "second_hand")
    assert re.match(r"https?://", figure["url"])
    assert dt.date.fromisoformat(figure["accessed_on"]) <= dt.date(2026, 11, 27)
    # Somebody else's page is named behind the title.
    if figure["evidence"] == "second_hand":
        assert figure["source"].endswith(")")


@pytest.mark.parametrize("figure", FIGURES, ids=lambda it: f"{it['metric']} {it['value']}")
def test_a_figure_says_what_it_measures(figure: dict[str, str]) -> None:
    assert figure["definition"]
    assert figure["statistic"]
    assert figure["period"] == "" or re.search(r"\b(19|20)\d\d$", figure["period"])
    assert figure["period_grain"] in ("", *MONTHS)
    assert figure["unit"] in (*CURRENCIES, "ratio", "days", "hours", "months")
    if metric := METRICS.get(figure["metric"]):
        assert figure["variant"] in ("", *metric.variants)


def test_there_are_figures_enough() -> None:
    assert len(FIGURES) >= 25
    assert len({figure["metric"] for figure in FIGURES}) >= 10
    ours = [figure for figure in FIGURES if figure["variant"]]
    assert len({figure["metric"] for figure in ours}) >= 5


def start_before(start: pd.Timestamp, months: int) -> pd.Timestamp:
    return start - pd.DateOffset(months=months)


def latest_ended(first_month: int, grain: str, as_of: pd.Timestamp) -> pd.Timestamp:
    """First day of the last period that has ended, of fiscal years from a month on."""
    months = MONTHS[grain]
    start = as_of.normalize().replace(day=1)
    while (start.month - first_month) % months:
        start = start_before(start, 1)
    return start_before(start, months)


def own_numbers(published: Published) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The company's numbers, and how they are to be read."""
    values = published.marts(
        "select metric, variant, period_grain, period_start, value, n_included, as_of "
        "from marts.kpi_values where dimension = 'company' and period_grain <> 'all'"
    )
    values["period_start"] = pd.to_datetime(values["period_start"])
    meanings = published.marts(
        "select * from marts.kpi_variants inner join marts.kpi_definitions using (metric, variant)"
    )
    return values, meanings.set_index(["metric", "variant"])


@pytest.mark.parametrize("name", NAMES)
def test_our_own_past_is_that_of_our_numbers(published: Publish, name: str) -> None:
    company = published(name)
    values, meanings = own_numbers(company)
    first_month = {"edge_cases": 2}.get(name, 1)
    as_of = values["as_of"].max() + pd.Timedelta(microseconds=1)
    zone = {"edge_cases": "Asia/Tokyo", "maven": "America/New_York", "olist": "America/Sao_Paulo"}
    local = as_of.tz_localize("UTC").tz_convert(zone[name]).tz_localize(None)
    found = company.marts("select * from marts.mart_benchmarks where publisher = 'own history'")
    key = ["metric", "variant", "period_grain", "statistic"]
    rows = found.set_index(key)
    assert rows.index.is_unique
    checked = 0
    for (metric, variant, grain), past in values.groupby(["metric", "variant", "period_grain"]):
        if grain not in ("quarter", "year"):
            continue
        meaning = meanings.loc[(metric, variant)]
        start = latest_ended(first_month, grain, local)
        by_start = past.set_index("period_start")
        before = by_start[by_start.index < start].dropna(subset="value")
        is_whole = meaning["kind"] == "sum" or (metric, variant) in NO_SAMPLES
        sampled = before[is_whole | (before["n_included"] >= 10)].sort_index(ascending=False)
        sign = 1 if meaning["better"] == "up" else -1
        best = sampled["value"].iloc[(sign * sampled["value"]).argmax()] if len(sampled) else np.nan
        year_ago = before["value"].get(start_before(start, 12), np.nan)
        wanted = {f"best {grain}": best}
        if grain == "quarter":
            wanted["same quarter last year"] = year_ago
            four = before[before.index >= start_before(start, 12)]["value"]
            wanted["mean of the four quarters before"] = four.mean() if len(four) == 4 else np.nan
        else:
            wanted["year before"] = year_ago
        for statistic, value in wanted.items():
            row = rows.loc[(metric, variant, grain, statistic)]
            assert row["benchmark_value"] == pytest.approx(value, nan_ok=True), (metric, statistic)
            own = by_start["value"].get(start, np.nan)
            assert row["own_value"] == pytest.approx(own, nan_ok=True)
            assert pd.Timestamp(row["period_start"]) == start
            checked += 1
    assert checked == len(found) > 50


@pytest.mark.parametrize("name", NAMES)
def test_only_one_definition_is_compared(published: Publish, name: str) -> None:
    company = published(name)
    rows = company.marts("select * from marts.mart_benchmarks")
    comparable = rows[rows["is_comparable"]]
    assert comparable[["variant", "own_value", "benchmark_value"]].notna().all().all()
    holds = comparable["benchmark_value"].between(comparable["own_low"], comparable["own_high"])
    assert (comparable["is_as_good"].isna() == holds).all()
    assert comparable["why"].isna().all()
    others = rows[~rows["is_comparable"]]
    assert others["why"].notna().all()
    assert others["is_as_good"].isna().all()
    external = rows[rows["publisher"] != "own history"]
    assert set(external["metric"]) == {figure["metric"] for figure in FIGURES}
    # The definitions of others stand beside no number of ours.
    foreign = external[external["variant"].isna()]
    assert len(foreign) == sum(not figure["variant"] for figure in FIGURES)
    assert foreign[["own_value", "period_grain"]].isna().all().all()


@pytest.mark.parametrize("name", NAMES)
def test_our_number_has_the_interval_of_its_records(published: Publish, name: str) -> None:
    """Of shares Wilson's, of means t; whatever else has none."""
    company = published(name)
    rows = company.marts(
        "select distinct metric, variant, period_grain, period_start, own_value, own_low, own_high "
        "from marts.mart_benchmarks where own_value is not null and period_grain <> 'month'"
    )
    _, meanings = own_numbers(company)
    members = company.marts(
        "select metric, variant, period_on, counts_in, numerator, denominator, side "
        "from marts.kpi_members "
        "where exclusion_reason is null and period_on is not null and company = 'all'"
    )
    members["period_on"] = pd.to_datetime(members["period_on"])
    of_metric = dict(list(members.groupby(["metric", "variant"])))
    seen = set()
    for row in rows.itertuples():
        key = (row.metric, row.variant)
        meaning = meanings.loc[key]
        if key in NO_SAMPLES or pd.notna(meaning["state"]):
            assert np.isnan([row.own_low, row.own_high]).all(), key
            continue
        if meaning["kind"] not in ("share", "quotient"):
            assert np.isnan([row.own_low, row.own_high]).all(), key
            continue
        start = pd.Timestamp(row.period_start)
        end = start + pd.DateOffset(months=MONTHS[row.period_grain])
        own = of_metric[key]
        own = own[(own["period_on"] >= start) & (own["period_on"] < end)]
        own = own[own["counts_in"].fillna(row.period_grain).str.contains(row.period_grain)]
        if meaning["kind"] == "share":
            won, n = int(own["numerator"].sum()), int(own["denominator"].sum())
            interval = stats.binomtest(won, n).proportion_ci(method="wilson")
            assert (row.own_low, row.own_high) == pytest.approx(tuple(interval), abs=1e-5), key
            seen.add("share")
        elif own["side"].notna().any() or len(own) < 2:
            assert np.isnan([row.own_low, row.own_high]).all(), key
        elif (own["denominator"] == 1).all():
            values = own["numerator"].astype(float)
            margin = stats.t.ppf(0.975, len(own) - 1) * stats.sem(values)
            wanted = (values.mean() - margin, values.mean() + margin)
            assert (row.own_low, row.own_high) == pytest.approx(wanted, rel=1e-4, abs=1e-6), key
            seen.add("mean")
    assert "share" in seen
