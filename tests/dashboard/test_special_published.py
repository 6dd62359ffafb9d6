"""Special boards of published companies: rows are what the marts say, reckoned another way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from dagster_project.dashboard.special.boards import SPECIAL_BOARDS
from dagster_project.dashboard.special.model import Row, rows_of
from dagster_project.defs.headlines import to_fix_table
from dagster_project.numbers.findings import findings
from dagster_project.publication import open_published
from ingestion.paths import CompanyPaths
from ingestion.warehouse.duckdb_sql import literal
from tests.dashboard.pictures import pictures
from tests.kpis.companies import TEST_COMPANIES, Published
from tests.thorough import thorough

Publish = Callable[[str], Published]
BOARDS = {board.key: board for board in SPECIAL_BOARDS}
CENT = 0.005

each_company = pytest.mark.parametrize("name", TEST_COMPANIES)


def rows(company: Published, key: str) -> list[Row]:
    """A board's rows in a published company."""
    folder = company.folder / "published"
    with open_published(folder / "salesops.duckdb") as connection:
        people = literal(str((folder / "people.duckdb").resolve()))
        connection.execute(f"attach {people} as people (read_only)")
        return rows_of(connection, BOARDS[key])


def frame(company: Published, key: str) -> pd.DataFrame:
    """A board's rows as a table."""
    return pd.DataFrame(rows(company, key))


def known(value: Any) -> float | None:
    """A number that may be missing."""
    return None if pd.isna(value) else float(value)


def drawn() -> Iterator[Any]:
    """Every board of the edge cases and of another company, in turn; at length of all of them."""
    first, *others = TEST_COMPANIES
    for place, key in enumerate(BOARDS):
        for name in TEST_COMPANIES:
            marks = () if name in (first, others[place % len(others)]) else thorough
            yield pytest.param(key, name, id=f"{key}-{name}", marks=marks)


@pytest.mark.parametrize(("key", "name"), drawn())
def test_it_is_drawn(published: Publish, name: str, key: str) -> None:
    told = rows(published(name), key)
    for picture in pictures(BOARDS[key], told[:400]):
        assert not [word for word in picture.words if "NaN" in word or "undefined" in word]


@each_company
def test_the_waterfall_of_the_pipeline_adds_up(published: Publish, name: str) -> None:
    company = published(name)
    bridges = company.marts(
        """select * from marts.fct_pipeline_bridge
        where dimension = 'company' and scope = 'open' and basis = 'reporting'"""
    )
    told = frame(company, "bridge")
    for period, steps in told.groupby("period"):
        grain, start = steps["period_grain"].iloc[0], steps["period_start"].iloc[0]
        of_grain = bridges[bridges["period_grain"] == grain]
        starts = sorted(of_grain["period_start"].astype(str), reverse=True)
        assert start == starts[0 if str(period).startswith("this") else 1][:10]
        bridge = of_grain[of_grain["period_start"].astype(str).str[:10] == start].iloc[0]
        inner = steps[(steps["kind"] != "total")]
        assert inner["amount"].sum() == pytest.approx(
            float(bridge["closing"]) - float(bridge["opening"]), abs=CENT
        )
        assert steps["amount"].iloc[0] == pytest.approx(float(bridge["opening"]))
        assert steps["to_amount"].iloc[-2] == pytest.approx(float(bridge["closing"]), abs=CENT)
        for _, step in inner[inner["label"].isin(["won", "lost", "deleted", "merged"])].iterrows():
            assert step["amount"] == pytest.approx(-float(bridge[step["label"]]), abs=CENT)


@each_company
def test_open_deals_by_age_are_all_open_deals(published: Publish, name: str) -> None:
    company = published(name)
    deals = company.marts("select * from marts.mart_deal_inspection")
    told = frame(company, "stage_and_age")
    if deals.empty:
        assert told.empty
        return
    counted = told[told["measure"] == "deals"]
    assert counted["deals"].sum() == len(deals)
    assert counted["deals_without_amount"].sum() == deals["amount"].isna().sum()
    judged = deals[
        (deals["stage_stays_ended"] >= 10)
        & deals["days_in_stage"].notna()
        & deals["stage_median_days"].notna()
    ]
    old = judged[judged["days_in_stage"] > judged["stage_p90_days"]]
    assert counted[counted["age"] == "older than 9 of 10"]["deals"].sum() == len(old)
    amounts = told[told["measure"] == "amount"]["amount"].sum()
    assert amounts == pytest.approx(float(deals["amount"].sum()), abs=CENT)


@each_company
def test_effects_of_changes_are_those_of_the_morning_list(published: Publish, name: str) -> None:
    company = published(name)
    changes = company.marts("select * from marts.mart_pipeline_changes")
    told = frame(company, "changes")
    assert (told["changes"].sum() if len(told) else 0) == len(changes)
    if len(told):
        assert sorted(told.groupby("since_words")["effect"].sum()) == pytest.approx(
            sorted(changes.groupby("since")["pipeline_effect"].sum().astype(float)), abs=CENT
        )
        deals = frame(company, "changed_deals")
        by_since = changes.groupby("since")["opportunity_key"].nunique()
        assert sorted(deals.groupby("since_words")["n_of_all"].first()) == sorted(by_since)


@each_company
def test_the_funnel_is_that_of_the_kpis(published: Publish, name: str) -> None:
    company = published(name)
    values = company.marts(
        """select *, coalesce(cast(period_start as varchar), '') as starts from marts.kpi_values
        where metric = 'stage_conversion_rate'
        and variant = 'default' and dimension = 'stage'"""
    )
    told = rows(company, "stage_funnel")
    whole = values[values["period_grain"] == "all"]
    assert {row["stage"] for row in told if row["period_grain"] == "all"} == {
        *whole["dimension_key"]
    }
    for row in told:
        same = values[
            (values["period_grain"] == row["period_grain"])
            & (values["dimension_key"] == row["stage"])
            & (values["starts"] == (row["period_start"] or ""))
        ]
        assert len(same) == 1
        assert row["rate"] == pytest.approx(known(same["value"].iloc[0]))
        assert (row["entered"], row["passed"]) == (
            same["denominator"].iloc[0],
            same["numerator"].iloc[0],
        )
        if row["rate"] is not None:
            for bound in (row["rate_low"], row["rate_high"]):
                # Wilson's bounds are where the share is 1.96 of their own deviations away.
                away = abs(row["rate"] - bound)
                assert away == pytest.approx(
                    1.959964 * (bound * (1 - bound) / row["entered"]) ** 0.5, abs=1e-6
                )


@each_company
def test_recurring_revenue_goes_from_one_kpi_to_the_next(published: Publish, name: str) -> None:
    company = published(name)
    revenue = company.marts(
        """select period_start, value from marts.kpi_values where metric = 'mrr'
        and variant = 'default' and dimension = 'company' and period_grain = 'month'
        order by period_start"""
    )
    told = frame(company, "mrr_waterfall")
    if company.marts("select count(*) as n from marts.fct_mrr_movements")["n"].iloc[0] == 0:
        assert told.empty
        return
    at_end = dict(zip(revenue["period_start"].astype(str).str[:10], revenue["value"], strict=True))
    before = dict(zip([*at_end][1:], at_end.values(), strict=False))
    assert {*told["period"]} >= {"this month", "last whole month"}
    for _, steps in told.groupby("period", sort=False):
        first, last = steps["first_month"].iloc[0], steps["last_month"].iloc[0]
        opening, closing = steps["amount"].iloc[0], steps["amount"].iloc[-1]
        assert steps["amount"].iloc[1:-1].sum() == pytest.approx(closing - opening, abs=CENT)
        if pd.isna(at_end[last]):
            # So much is left out that the KPI has no number: then the board has to say so.
            assert steps["left_out"].iloc[0] > 0
            told_words = BOARDS["mrr_waterfall"].says(steps.to_dict("records"))
            assert "; so many that it gives no number." in told_words
        else:
            assert closing == pytest.approx(at_end[last], abs=CENT)
        if not pd.isna(before.get(first, 0)):
            assert opening == pytest.approx(before.get(first, 0), abs=CENT)


@each_company
def test_debts_are_those_of_the_customers(published: Publish, name: str) -> None:
    company = published(name)
    debts = company.marts("select * from marts.mart_receivables")
    told = frame(company, "receivables")
    months = sorted(debts["month_start"].astype(str).str[:10].unique())[-13:]
    assert [*(told["month_start"].unique() if len(told) else [])] == months
    for month, of_month in told.groupby("month_start") if len(told) else []:
        same = debts[debts["month_start"].astype(str).str[:10] == month]
        assert of_month["amount"].sum() == pytest.approx(float(same["receivable"].sum()), abs=CENT)
        assert of_month["customers_not_known"].iloc[0] == same["receivable"].isna().sum()


@each_company
def test_shares_of_channels_are_of_their_leads(published: Publish, name: str) -> None:
    company = published(name)
    funnel = company.marts("select * from marts.mart_funnel where cohort_month is null")
    for row in rows(company, "channel_funnel"):
        [same] = funnel[
            (funnel["dimension"] == row["dimension"])
            & (funnel["dimension_key"] == row["dimension_key"])
        ].to_dict("records")
        assert row["reached"] == same[row["step"]]
        published_rate = {
            "qualified": same["lead_to_qualified_rate"],
            "opportunities": same["lead_to_opportunity_rate"],
            "won": same["lead_to_won_rate"],
        }.get(row["step"])
        if published_rate is not None:
            assert row["rate"] == pytest.approx(known(published_rate))
        if row["verdict"] == "above":
            assert row["rate"] > row["rate_low"] > row["company_rate"]
        if row["verdict"] == "below":
            assert row["rate"] < row["rate_high"] < row["company_rate"]


@each_company
def test_what_is_left_out_is_counted_once(published: Publish, name: str) -> None:
    company = published(name)
    exclusions = company.marts("select * from marts.kpi_exclusions where variant = 'default'")
    counted = (
        exclusions.drop_duplicates(["reason", "metric", "entity", "entity_key"])
        .groupby(["reason", "metric"])
        .size()
        .to_dict()
    )
    told = rows(company, "exclusions")
    for row in told:
        key = (row["why"].replace(" ", "_"), row["metric"].replace(" ", "_"))
        assert row["records"] == counted[key]
    reasons = {reason for reason, _ in counted}
    assert {row["why"].replace(" ", "_") for row in told} == reasons
    for reason in reasons:
        shown = [row for row in told if row["why"].replace(" ", "_") == reason]
        rest = BOARDS["exclusions"].left_out(shown)
        hidden = sum(1 for other, _ in counted if other == reason) - len(shown)
        assert (rest is None) == (hidden == 0)


@each_company
def test_definitions_are_those_of_the_kpis(published: Publish, name: str) -> None:
    company = published(name)
    values = company.marts(
        """select metric, variant, period_grain,
        coalesce(cast(period_start as varchar), '') as starts, value
        from marts.kpi_values where dimension = 'company'"""
    )
    wanted = {tuple(key): known(value) for *key, value in values.itertuples(index=False)}
    assert len(wanted) == len(values)
    for row in rows(company, "definitions"):
        key = (row["metric"], row["variant"], row["period_grain"], row["period_start"] or "")
        value = wanted[key]
        assert row["value"] == (None if value is None else pytest.approx(value))


@each_company
def test_findings_stand_in_their_order_and_the_rest_is_told(published: Publish, name: str) -> None:
    company = published(name)
    broken = company.marts(
        "select * from marts.mart_data_hygiene where rep_id = 'all' and rule <> 'all' "
        "and failing > 0"
    )
    told = rows(company, "fix_first")
    assert [row["fix_rank"] for row in told] == [*range(1, min(len(broken), 12) + 1)]
    if told:
        assert told[0]["n_of_all"] == len(broken)
    for row in told:
        [same] = broken[
            (broken["entity"] == row["entity"]) & (broken["rule"] == row["rule"])
        ].to_dict("records")
        assert row["failing"] == same["failing"]
        assert row["money_at_stake"] == (known(same["money_at_stake"]) or row["money_at_stake"])


@each_company
def test_what_to_fix_first_has_one_answer(published: Publish, name: str) -> None:
    """The summary, the page and Dagster name the same, in the same order."""
    company = published(name)
    said = findings(CompanyPaths(company.folder))
    told = rows(company, "fix_first")
    table = to_fix_table(company.folder / "published" / "salesops.duckdb", "EUR").splitlines()[2:]
    of_money = [row for row in told if row["money_at_stake"] or row["failing_without_amount"]]
    for row, sentence, line in zip(of_money, said, table, strict=False):
        assert f"({row['rule']}, " in sentence
        assert f"{row['entity']}: {row['rule']}".replace("_", " ") in line


@each_company
def test_bottlenecks_are_of_a_quarter_that_has_ended(published: Publish, name: str) -> None:
    company = published(name)
    told = rows(company, "bottlenecks")
    moment = company.marts(
        """select max(period_start) as day from marts.fct_pipeline_bridge
        where period_grain = 'quarter'"""
    )["day"].iloc[0]
    for row in told:
        assert row["period_start"] < str(moment)[:10]
        if row["sample"] < 10:
            assert row["verdict"] == "too few to say"
    stages = company.marts(
        """select count(*) as n from marts.mart_bottlenecks where team = 'all'
        and period_grain = 'quarter' and period_start = cast(? as date)""",
        [told[0]["period_start"] if told else None],
    )["n"].iloc[0]
    assert len(told) == 3 * stages
