"""MetricFlow's numbers are those of `kpi_values`, and its own cuts those that pandas finds."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from typing import Any

import duckdb
import pandas as pd
import pytest

from dagster_project.commands.metrics import Question, SemanticLayer
from dagster_project.publication import open_published
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.kpi_metrics import UNKNOWN
from dagster_project.run.semantic_layer import FILE, semantics
from ingestion.company.reading import load_company
from ingestion.contract.entities import ENTITIES
from ingestion.extension.folder import Extension
from tests.conftest import Publish
from tests.kpis.companies import Published
from tests.thorough import IS_THOROUGH, at_length

GRAINS = {
    "week": "metric_time__week",
    "month": "metric_time__month",
    "quarter": "metric_time__fiscal_quarter",
    "year": "metric_time__fiscal_year",
    "all": "",
}
CUTS = {
    "edge_cases": ("team", "stage", "channel"),
    "maven": ("team", "product", "stage"),
    "answers": ("rep", "team", "lead_source"),
}
OF_PARTS = ("month", "quarter", "year")
"""The grains by which parts are compared in turn, unless all are."""
OF_OTHERS = ("month", "all")
"""Those by which other companies than the edge cases are, unless by all."""
ASKED_FOR = {
    *("deals_won", "deals_lost", "deals_no_decision", "revenue_won", "win_rate"),
    *("win_rate_decided", "win_rate_by_value", "win_rate_cohort", "no_decision_rate"),
    *("average_deal_size", "sales_cycle_days", "sales_cycle_days_median", "pipeline_created"),
    *("stage_velocity_days", "stage_conversion_rate", "pipeline_value", "mrr", "cash_collected"),
}

Ask = Callable[[str], "Asked"]
Cells = dict[tuple[dt.date | None, str], float | None]


class Asked:
    """The semantic layer of a published company."""

    def __init__(self, company: Published, connection: duckdb.DuckDBPyConnection) -> None:
        self.company, self.connection = company, connection
        self.layer = SemanticLayer(Dbt.of(load_company(company.company)).semantics())

    def rows(self, words: str) -> list[tuple[Any, ...]]:
        """The answer to a question."""
        sql = self.layer.sql(self.layer.request(Question.of(words)))
        return self.connection.execute(sql).fetchall()

    def cells(self, metric: str, grain: str, cut: str) -> Cells:
        """A metric by period and part; what is of no period or no part is no number of them."""
        group = [GRAINS[grain], f"member__{cut}" if cut != "company" else ""]
        by = ",".join(filter(None, group))
        found: Cells = {}
        for row in self.rows(f"--metrics {metric}" + (f" --group-by {by}" if by else "")):
            *keys, value = row
            period = keys.pop(0) if GRAINS[grain] else None
            part = keys.pop(0) if keys else "all"
            if part is not None and (period is not None or not GRAINS[grain]):
                found[_day(period), part] = value
        return found


def _day(value: Any) -> dt.date | None:
    return value.date() if isinstance(value, dt.datetime) else value


@pytest.fixture
def ask(published: Publish) -> Iterator[Ask]:
    """Asks a published company by its name."""
    with ExitStack() as opened:

        def of(name: str) -> Asked:
            company = published(name)
            file = company.folder / "published" / "salesops.duckdb"
            return Asked(company, opened.enter_context(open_published(file)))

        yield of


@pytest.mark.parametrize("name", at_length(CUTS, "edge_cases", "answers"))
def test_its_numbers_are_those_of_kpi_values(ask: Ask, name: str) -> None:
    asked = ask(name)
    cuts = {"company": GRAINS.keys() if name == "edge_cases" else OF_OTHERS}
    cuts |= {cut: (grain,) for cut, grain in zip(CUTS[name], OF_PARTS, strict=True)}
    wrong = [
        one
        for cut, grains in cuts.items()
        for one in _differences(asked, cut, GRAINS.keys() if IS_THOROUGH else grains)
    ]
    assert wrong == []


def _differences(asked: Asked, cut: str, grains: Collection[str]) -> Iterator[str]:
    """Where a metric differs from `kpi_values`, in every cell that either of them has."""
    published = asked.company.marts(
        "select *, n_included + n_excluded as n_records from marts.kpi_values "
        "inner join (select metric, variant, state from marts.kpi_variants) "
        "using (metric, variant) where dimension = ?",
        [cut],
    )
    published["day"] = [None if pd.isna(day) else day.date() for day in published["period_start"]]
    of_cell = ["metric", "variant", "period_grain"]
    by_grain = dict(iter(published.groupby(of_cell)))
    for metric, meta in asked.layer.metrics.items():
        for grain in grains:
            wanted = by_grain.get((meta["metric"], meta["variant"], grain))
            if wanted is None:
                continue
            found = asked.cells(metric, grain, cut)
            for row in wanted.itertuples():
                place = f"{metric} {grain} {cut} {row.day} {row.dimension_key}"
                if (row.day, row.dimension_key) not in found:
                    # A month in which there was nothing is told of no part.
                    if row.n_records or row.value not in (0, None):
                        yield f"{place}: {row.value} is missing"
                    continue
                value = found.pop((row.day, row.dimension_key))
                if not _is_same(value, row.value) and not _is_withheld(asked, value, row):
                    yield f"{place}: {value}, not {row.value}"
            yield from (
                f"{metric} {grain} {cut} {cell}: {found[cell]} is too much" for cell in found
            )


def _is_same(one: Any, two: float) -> bool:
    if one is None or math.isnan(two):
        return one is None and math.isnan(two)
    return math.isclose(float(one), two, rel_tol=1e-9, abs_tol=1e-9)


def _is_withheld(asked: Asked, value: Any, row: Any) -> bool:
    """Whether it is a state of now, of which over a tenth is not known.

    `kpi_values` shows it; the members do not say which month is the present one, so that
    MetricFlow shows no value, as both do of the past.
    """
    if value is not None or row.state != "end":
        return False
    of_metric = "(metric, variant) = ($metric, $variant)"
    [[unknown, records, present]] = asked.connection.execute(
        f"""
        select
            count(*) filter (exclusion_reason in {UNKNOWN}),
            count(*),
            (
                select max(period_start) from marts.kpi_values
                where {of_metric} and period_grain = $grain
            )
        from marts.kpi_members
        where {of_metric} and side is null and {row.dimension} = $part
            and period_on = (select max(period_on) from marts.kpi_members where {of_metric})
        """,
        {
            "metric": row.metric,
            "variant": row.variant,
            "grain": row.period_grain,
            "part": row.dimension_key,
        },
    ).fetchall()
    assert row.day == present, "a state of the past has no value in either"
    return bool(10 * unknown > records)


def test_it_has_the_metrics_that_were_asked_for(ask: Ask) -> None:
    asked = ask("edge_cases")
    assert asked.layer.metrics.keys() >= ASKED_FOR


def test_what_it_cannot_say_is_left_out(ask: Ask) -> None:
    """Metrics by span of time, of pairs of metrics, and at the beginning of a period."""
    asked = ask("edge_cases")
    variants = asked.company.marts("select * from marts.kpi_variants")
    had = {(meta["metric"], meta["variant"]) for meta in asked.layer.metrics.values()}
    every = set(zip(variants["metric"], variants["variant"], strict=True))
    assert had <= every
    assert {metric for metric, _ in every - had} == {
        *("sales_velocity", "quota_attainment", "reps_at_quota", "pipeline_coverage"),
        *("slippage_rate", "stalled_value", "activities", "net_revenue_retention"),
        *("gross_revenue_retention", "customer_retention_rate", "logo_churn_rate"),
        *("average_revenue_per_account", "days_sales_outstanding", "follow_up_gap_days"),
        *("stage_conversion_rate",),
    }


@pytest.mark.parametrize("name", ["edge_cases", "maven"])
def test_cuts_of_its_own_are_those_that_pandas_finds(ask: Ask, name: str) -> None:
    """Two cuts at once, one of them of the deal's account; `kpi_values` has neither."""
    asked = ask(name)
    members = asked.company.marts(
        "select * from marts.kpi_members where metric = 'revenue_won' and variant = 'default'"
    )
    deals = asked.company.marts(
        "select opportunity_key, industry from marts.fct_opportunities "
        "left join marts.dim_account using (account_key)"
    )
    included = members[members["exclusion_reason"].isna()]
    joined = included.merge(deals, on="opportunity_key", how="left", validate="many_to_one")
    wanted = joined.groupby(["team", "industry"], dropna=False)["numerator"].sum()
    found = {
        (team, industry): float(value)
        for team, industry, value in asked.rows(
            "--metrics revenue_won --group-by member__team,deal__account__industry"
        )
        if value
    }
    expected = {
        (team, None if pd.isna(industry) else industry): float(value)
        for (team, industry), value in wanted.items()
        if value
    }
    assert found == pytest.approx(expected)
    assert len(expected) > 5


def test_a_filter_and_a_range_leave_the_rest_out(ask: Ask) -> None:
    asked = ask("edge_cases")
    [[value]] = asked.rows(
        "--metrics deals_won --start-time 2026-02-01 --end-time 2026-02-28 "
        "--where \"{{ Dimension('member__team') }} = 'Japan'\""
    )
    february = {"period_grain": "month", "period_start": "2026-02-01"}
    assert value == asked.company.kpi(
        "deals_won", **february, dimension="team", dimension_key="Japan"
    )


def test_its_yaml_is_what_the_kpis_say() -> None:
    assert FILE.read_text(encoding="utf-8") == semantics(Extension(None), ENTITIES), (
        "run `make contract`"
    )
