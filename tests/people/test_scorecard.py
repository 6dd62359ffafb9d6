"""The scorecard beside pandas and scipy: of published companies, and of peers drawn by chance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES
from tests.people.scorecard import Book, scorecard

KEY = ["rep_id", "month_start", "metric", "variant"]
OWN = ["own_trailing_6m", "trailing_months", "trend", "trend_low", "trend_high", "trend_months"]
PEERS = ["peer_group", "n_peers", "peer_median", "percentile"]
TEXTS = ("peer_group", "role", "tenure_band")
COMPANIES = ("edge_cases", "maven", "olist")
TAIL = 3.1
"""Standard errors within which a share is chance (but once in 1,000 times)."""

Scored = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def scored(published: Publish) -> Scored:
    """The mart's own SQL, as the edge cases' run has compiled it, over any measures."""
    edge_cases = published("edge_cases")
    [path] = (edge_cases.folder / "dbt" / "target" / "compiled").rglob("mart_rep_scorecard.sql")
    nodes = Dbt.of(load_company(edge_cases.company)).manifest()["nodes"]
    relation = nodes["model.salesops.int_rep_measures"]["relation_name"]
    return partial(_scored, Path(path).read_text(encoding="utf-8"), relation)


def _scored(statement: str, relation: str, measures: pd.DataFrame) -> pd.DataFrame:
    given = measures.assign(
        unit="u",
        better="up",
        rep_name=measures["rep_id"],
        is_active=measures["is_peer"],
        is_over=True,
        low=np.nan,
        high=np.nan,
    )
    for column in ("value", "value_in_trend", "low", "high"):
        # What pandas calls NaN is NULL.
        given[column] = given[column].astype(object).where(given[column].notna(), None)
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse; create schema warehouse.intermediate")
        connection.register("given", given)
        connection.execute(
            f"create table {relation} as select * replace (month_start::date as month_start, "
            "value::double as value, value_in_trend::double as value_in_trend) from given"
        )
        return connection.execute(statement).df()


def by_chance(seed: int, reps: int, months: int) -> pd.DataFrame:
    """Measures of people of several places, with ties, gaps, and months that say nothing."""
    random = np.random.default_rng(seed)
    rows = []
    for rep in range(reps):
        place = {
            "rep_id": f"r{rep:03}",
            "role": random.choice(["rep", "rep", "rep", "sdr", "manager"]),
            "segment": random.choice(["SMB", "Enterprise", "(none)"], p=[0.6, 0.3, 0.1]),
        }
        for month in range(months):
            for metric, draw in (
                ("counted", float(random.poisson(2))),
                ("measured", float(random.normal(100, 30))),
                ("shared", float(random.integers(0, 5)) / 4),
            ):
                if random.random() < 0.85:
                    is_known, is_in_trend = random.random(2) < 0.9
                    is_active = random.random() < 0.95
                    value = draw if is_known else np.nan
                    rows.append(
                        place
                        | {
                            "month_start": dt.date(2023 + month // 12, month % 12 + 1, 1),
                            "metric": metric,
                            "variant": "default",
                            "value": value,
                            "n_included": 1,
                            "tenure_band": random.choice(["0-5", "24+"]),
                            "is_peer": is_active and place["role"] != "manager",
                            "is_enough_data": bool(is_known and random.random() < 0.8),
                            "value_in_trend": value if is_in_trend else np.nan,
                        }
                    )
    return pd.DataFrame(rows)


def assert_same(
    found: pd.DataFrame, wanted: pd.DataFrame, columns: list[str], rtol: float = 1e-7
) -> None:
    """Both have the same rows, and in each the same texts and numbers."""
    ours, theirs = (
        frame.assign(month_start=pd.to_datetime(frame["month_start"])).set_index(KEY)[columns]
        for frame in (found, wanted)
    )
    both = ours.join(theirs, how="outer", lsuffix="_found", rsuffix="_wanted")
    assert len(both) == len(ours) == len(theirs)
    for column in columns:
        sides = both[[f"{column}_found", f"{column}_wanted"]]
        left, right = (sides[name] for name in sides)
        if column in TEXTS:
            is_same = left.fillna("").astype(str) == right.fillna("").astype(str)
        else:
            is_same = np.isclose(
                left.astype(float), right.astype(float), rtol=rtol, atol=1e-6, equal_nan=True
            )
        assert is_same.all(), sides[~is_same].head(20).to_string()


@pytest.mark.parametrize("reps", [4, 9, 40])
def test_peers_and_trends_are_what_setting_each_beside_all_gives(scored: Scored, reps: int) -> None:
    measures = by_chance(reps, reps, 14)
    found = scored(measures)
    assert_same(found, scorecard(measures), [*OWN, *PEERS])
    if reps == 40:
        assert set(found["peer_group"].dropna()) == {"role, segment and tenure", "role"}
        assert found["percentile"].between(0, 1).sum() > 500
        assert found["trend"].notna().sum() > 500


def test_peers_are_the_same_in_whatever_order_people_come(scored: Scored) -> None:
    measures = by_chance(1, 20, 6)
    mixed = measures.sample(frac=1, random_state=1)
    names = {
        rep: f"x{number}" for number, rep in enumerate(sorted(set(mixed["rep_id"]), reverse=True))
    }
    renamed = mixed.assign(rep_id=mixed["rep_id"].map(names))
    back = {name: rep for rep, name in names.items()}
    found = scored(renamed)
    assert_same(found.assign(rep_id=found["rep_id"].map(back)), scored(measures), PEERS)


def test_a_trend_that_is_none_is_called_none_19_times_of_20(scored: Scored) -> None:
    """Of unchanging people with months that differ by chance; with as many points as there are."""
    random = np.random.default_rng(3)
    rows = [
        {
            "rep_id": f"r{rep}",
            "month_start": dt.date(2024, month + 1, 1),
            "metric": "measured",
            "variant": "default",
            "value": (value := random.normal(50, 10)),
            "value_in_trend": value,
            "n_included": 12,
            "role": "rep",
            "segment": "SMB",
            "tenure_band": "24+",
            "is_peer": True,
            "is_enough_data": True,
        }
        for rep in range(600)
        for month in range(7)
    ]
    found = scored(pd.DataFrame(rows))
    for points in (4, 5, 6, 7):
        trends = found[found["trend_months"] == points]
        wrong = ((trends["trend_low"] > 0) | (trends["trend_high"] < 0)).mean()
        assert len(trends) == 600
        assert abs(wrong - 0.05) <= TAIL * np.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize("name", COMPANIES)
def test_the_scorecard_is_made_of_the_published_numbers(published: Publish, name: str) -> None:
    company = published(name)
    book = Book.of(company.warehouse, load_company(TEST_COMPANIES[name].file).timezone)
    measures = book.measures()
    found = company.warehouse("select * from people.mart_rep_scorecard")
    assert len(found) > 100
    told = ["value", "n_included", "is_over", "is_enough_data", "role", "tenure_band"]
    assert_same(found, measures, told)
    # Student's t is right to a ten-thousandth, and so is how far the bounds are from the value.
    found, measures = (
        frame.assign(below=frame["value"] - frame["low"], above=frame["high"] - frame["value"])
        for frame in (found, measures)
    )
    assert_same(found, measures, ["below", "above"], rtol=2e-4)
    assert found["below"].notna().sum() > 20
    assert_same(found, scorecard(measures), [*OWN, *PEERS])


@pytest.mark.parametrize("name", COMPANIES)
def test_the_leaderboard_ranks_what_the_scorecard_says(published: Publish, name: str) -> None:
    company = published(name)
    board = company.warehouse("select * from marts.mart_leaderboard")
    place = board.groupby(["period_start", "measure", "entity"])["value"]
    assert (place.rank(method="min", ascending=False) == board["rank"]).all()
    assert (place.transform("size") == board["n_ranked"]).all()
    cards = company.warehouse(
        """select rep_id, month_start, metric, value
        from people.mart_rep_scorecard
        where variant = 'default' and role = 'rep' and is_active and value is not null
            and metric in ('revenue_won', 'deals_won', 'win_rate', 'quota_attainment',
                'pipeline_created', 'activities')
            and (metric <> 'win_rate' or n_included >= 10)"""
    )
    reps = board[board["entity"] == "rep"]
    columns = ["entity_id", "period_start", "measure", "value"]
    assert set(reps[columns].itertuples(index=False)) == set(cards.itertuples(index=False))
    of_months = company.warehouse(
        """select distinct team, month_start from intermediate.int_rep_months
        where role = 'rep' and team is not null"""
    )
    won = board[(board["entity"] == "team") & (board["measure"] == "deals_won")]
    manned = of_months[of_months["month_start"] >= won["period_start"].min()]
    assert set(manned.itertuples(index=False, name=None)) <= set(
        won[["entity_id", "period_start"]].itertuples(index=False, name=None)
    )
    teams = company.warehouse(
        """select sum(value) as won from marts.kpi_values
        where metric = 'deals_won' and variant = 'default' and period_grain = 'month'
            and dimension = 'team' and dimension_key <> '(none)'"""
    )["won"].fillna(0)
    of_teams = (board["entity"] == "team") & (board["measure"] == "deals_won")
    assert board.loc[of_teams, "value"].sum() == teams.iloc[0]
