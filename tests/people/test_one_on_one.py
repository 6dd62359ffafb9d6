"""One-on-ones as they are published: beside what pandas and scipy make of the same records."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dagster_project.publication import open_published
from tests.macros import made_by_macro
from tests.people.company import default_company
from tests.people.talks import LEVEL, Talks

STATISTICAL = ["share", "level", "trend"]


@pytest.fixture(scope="module")
def talks() -> Talks:
    """Of the default company, a fifth of its size."""
    return of_published(default_company() / "published")


def of_published(published: Path) -> Talks:
    def rows(file: str, sql: str) -> pd.DataFrame:
        with open_published(published / file) as connection:
            return connection.execute(sql).df()

    return Talks(lambda sql: rows("salesops.duckdb", sql), lambda sql: rows("people.duckdb", sql))


def test_a_talk_has_at_most_three_things_to_discuss_and_one_to_celebrate(talks: Talks) -> None:
    rows = talks.published
    assert len(rows) > 50
    assert set(rows["kind"]) == {"discuss", "celebrate"}
    assert (rows.loc[rows["kind"] == "celebrate", "rank"] == 4).all()
    discussed = rows[rows["kind"] == "discuss"].groupby(["rep_id", "month"])["rank"]
    assert (discussed.apply(list).map(lambda it: it == [*range(1, len(it) + 1)])).all()
    assert discussed.size().max() <= 3
    assert rows["month"].between(talks.now - 11, talks.now).all()
    assert rows["month"].nunique() >= 11


def test_the_most_money_is_first_and_what_has_none_is_last(talks: Talks) -> None:
    rows = talks.published[talks.published["kind"] == "discuss"]
    for _, talk in rows.groupby(["rep_id", "month"]):
        money = talk.sort_values("rank")["money"].astype(float).fillna(-1.0)
        assert money.is_monotonic_decreasing


def test_every_row_says_how_sure_it_is_of_what(talks: Talks) -> None:
    rows = talks.published
    has_interval = rows["low"].notna()
    assert (rows["basis"] == "quota")[~has_interval].all()
    assert (rows["low"] <= rows["value"] + 1e-9)[has_interval].all()
    assert (rows["value"] <= rows["high"] + 1e-9)[has_interval].all()
    assert (rows["n"] >= 0).all()
    # Whose months are none of them below 0 is not below 0.
    assert (
        rows.loc[rows["basis"].isin(["level", "quota"]) & (rows["value"] > 0), "low"] >= 0
    ).all()
    assert rows["sentence"].str.endswith(".").all()
    compared = rows[rows["basis"].isin(STATISTICAL)]
    assert len(compared) > 5
    assert compared["chance"].between(0, LEVEL).all()
    assert rows.loc[~rows["basis"].isin(STATISTICAL), "chance"].isna().all()


def test_the_numbers_are_those_of_pandas_and_scipy(talks: Talks) -> None:
    of_theirs = ["share", "level", "trend", "quota"]
    rows = talks.published[talks.published["basis"].isin(of_theirs)]
    key = ["rep_id", "month", "kind", "basis", "metric"]
    both = rows.merge(talks.topics, on=key, suffixes=("", "_again"), how="left")
    assert len(both) == len(rows) > 20
    for column in ("value", "comparison", "money", "chance"):
        np.testing.assert_allclose(
            both[column].astype(float), both[f"{column}_again"].astype(float), rtol=1e-4, atol=1e-9
        )
    levels = both[both["basis"] == "level"]
    for column in ("low", "high"):
        np.testing.assert_allclose(
            levels[column].astype(float), levels[f"{column}_again"].astype(float), rtol=1e-4
        )
    records = both[both["basis"] == "share"]
    assert (records["n"] == records["n_again"]).all()


def test_nothing_that_weighs_more_was_left_out(talks: Talks) -> None:
    """Of each talk: whatever pandas finds and is not there has no more money than what is."""
    key = ["rep_id", "month", "kind"]
    there = talks.published.groupby(key).agg(
        least=("money", lambda it: it.astype(float).fillna(0.0).min()),
        topics=("metric", "size"),
        metrics=("metric", set),
    )
    missing = []
    for topic in talks.topics.itertuples():
        place = (topic.rep_id, topic.month, topic.kind)
        if place not in there.index:
            missing.append(place)
            continue
        talk = there.loc[place]
        is_told = topic.metric in talk["metrics"] or (
            topic.metric in ("revenue_won", "quota_attainment")
            and talk["metrics"] & {"revenue_won", "quota_attainment"}
        )
        is_full = talk["topics"] == (3 if topic.kind == "discuss" else 1)
        weighs_less = is_full and np.nan_to_num(topic.money) <= talk["least"] * (1 + 1e-6)
        if not is_told and not weighs_less:
            missing.append((*place, topic.metric))
    assert missing == []


def test_records_behind_a_topic_are_the_reps_own_of_the_window(talks: Talks) -> None:
    rows = talks.published[talks.published["basis"] == "share"]
    members = talks.marts(
        "select metric, variant, rep, entity_id, period_on, coalesce(numerator, 0) as numerator "
        "from marts.kpi_members where exclusion_reason is null and side is null "
        "and (counts_in is null or counts_in = 'month')"
    )
    members = members.dropna(subset=["period_on"])
    members = members.assign(
        month=pd.to_datetime(members["period_on"]).dt.year * 12
        + pd.to_datetime(members["period_on"]).dt.month
    )
    assert len(rows) > 3
    for row in rows.itertuples():
        own = members[
            (members["metric"] == row.metric)
            & (members["variant"] == row.variant)
            & (members["rep"] == row.rep_id)
            & members["month"].between(row.month - 5, row.month)
        ]
        is_wanted = (row.kind == "celebrate") == (row.metric != "slippage_rate")
        found = set(own.loc[(own["numerator"] > 0) == is_wanted, "entity_id"])
        keys = row.record_keys.split(",")
        assert len(set(keys)) == len(keys) == min(len(found), 20)
        assert set(keys) <= found


def test_students_tail_is_scipys() -> None:
    sql = made_by_macro("student_tail", "t", "degrees", double_type=lambda: "double")
    values = [-30.0, -3.5, -0.4, 0.0, 0.7, 2.0, 6.0, 40.0]
    pairs = [(t, degrees) for t in values for degrees in range(1, 11)]
    listed = ", ".join(f"({t}::double, {degrees})" for t, degrees in pairs)
    rows = duckdb.sql(f"select t, degrees, {sql} from (values {listed}) as v (t, degrees)")
    for t, degrees, tail in rows.fetchall():
        assert tail == pytest.approx(stats.t.sf(t, degrees), rel=1e-6, abs=1e-12)
