"""Stage visits of the BPI 2012 loan applications, beside pandas on the raw event log."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import SHARED

REACH = {
    "A_SUBMITTED": 7455,
    "A_PREACCEPTED": 4143,
    "A_ACCEPTED": 2886,
    "A_FINALIZED": 2836,
    "A_APPROVED": 1336,
}
OPEN_STAGES = ("A_SUBMITTED", "A_PARTLYSUBMITTED", "A_PREACCEPTED", "A_ACCEPTED", "A_FINALIZED")
CLOSED_STAGES = ("A_APPROVED", "A_DECLINED", "A_CANCELLED")
DAY = pd.Timedelta(days=1)


@cache
def stays() -> pd.DataFrame:
    """One row per event that moved an application: `case_id, stage, entered, exited, next`."""
    events = pd.read_csv(SHARED / "bpi2012" / "events.csv.gz")
    events = events[events["activity"].isin([*OPEN_STAGES, *CLOSED_STAGES])]
    events = events.sort_values(["case_id", "event_seq"])
    entered = pd.to_datetime(events["timestamp"], utc=True, format="ISO8601").dt.tz_localize(None)
    by_case = events["case_id"]
    return pd.DataFrame(
        {
            "case_id": by_case.astype(str),
            "stage": events["activity"],
            "entered": entered,
            "exited": entered.groupby(by_case).shift(-1),
            "next": events["activity"].groupby(by_case).shift(-1),
        }
    )


def by_stage(publish: Publish, metric: str, variant: str) -> pd.Series:
    """A metric's value by stage, over all time."""
    rows = publish("bpi2012").marts(
        "select dimension_key, value from marts.kpi_values where metric = ? and variant = ? "
        "and period_grain = 'all' and dimension = 'stage'",
        [metric, variant],
    )
    return rows.set_index("dimension_key")["value"].astype(float)


def test_as_many_deals_reach_each_stage(published: Publish) -> None:
    reach = published("bpi2012").marts(
        "select stage, count(distinct opportunity_key) as deals "
        "from marts.fct_stage_visits group by stage"
    )
    deals = reach.set_index("stage")["deals"]
    assert deals[list(REACH)].to_dict() == REACH
    assert deals.to_dict() == stays().groupby("stage")["case_id"].nunique().to_dict()


def test_every_stay_is_an_event(published: Publish) -> None:
    visits = published("bpi2012").marts(
        "select opportunity_id, stage, entered_at, exited_at, next_stage "
        "from marts.fct_stage_visits"
    )
    key = ["case_id", "stage"]
    wanted = stays().sort_values(key, ignore_index=True)
    actual = visits.set_axis(wanted.columns, axis=1).sort_values(key, ignore_index=True)
    # An application is registered fractions of a second before its first event.
    moments = ["entered", "exited"]
    for moment in moments:
        assert (actual[moment].isna() == wanted[moment].isna()).all()
        assert (actual[moment] - wanted[moment]).abs().max() <= pd.Timedelta(milliseconds=100)
    others = wanted.columns.difference(moments)
    pd.testing.assert_frame_equal(actual[others], wanted[others], check_dtype=False)


def test_conversions_follow_from_reach(published: Publish) -> None:
    reach = stays().groupby("stage")["case_id"].nunique()
    higher = dict(zip(OPEN_STAGES, (*OPEN_STAGES[1:], "A_APPROVED"), strict=True))
    default = by_stage(published, "stage_conversion_rate", "default")
    to_won = by_stage(published, "stage_conversion_rate", "to_won")
    assert set(default.index) == set(OPEN_STAGES)
    for stage in OPEN_STAGES:
        assert default[stage] == pytest.approx(reach[higher[stage]] / reach[stage])
        assert to_won[stage] == pytest.approx(reach["A_APPROVED"] / reach[stage])


@pytest.mark.parametrize("variant", ["default", "median"])
def test_velocity_is_the_length_of_the_stays(published: Publish, variant: str) -> None:
    log = stays()
    days = ((log["exited"] - log["entered"]) / DAY)[log["stage"].isin(OPEN_STAGES)]
    lengths = days.dropna().groupby(log["stage"])
    wanted = lengths.mean() if variant == "default" else lengths.median()
    actual = by_stage(published, "stage_velocity_days", variant)
    pd.testing.assert_series_equal(
        actual.sort_index(), wanted.sort_index(), check_names=False, rtol=1e-5, atol=1e-6
    )


def test_adherence_is_the_share_that_took_every_step(published: Publish) -> None:
    paths = stays().groupby("case_id")["stage"].agg(tuple)
    adheres = paths.map(lambda path: path[:-1] == OPEN_STAGES)
    won = paths.map(lambda path: path[-1] == "A_APPROVED")
    company = published("bpi2012")
    assert company.kpi("process_adherence") == pytest.approx(adheres.mean())
    assert company.kpi("process_adherence", "won") == pytest.approx(adheres[won].mean())


def test_open_deals_and_amount_of_a_past_moment(published: Publish) -> None:
    """As of 2011-11-15 00:00 in Amsterdam: the stays that had begun and not ended."""
    moment = pd.Timestamp("2011-11-15", tz="Europe/Amsterdam").tz_convert("UTC").tz_localize(None)
    log = stays()
    is_there = (log["entered"] <= moment) & ((log["exited"] > moment) | log["exited"].isna())
    log = log[is_there & log["stage"].isin(OPEN_STAGES)]
    amounts = pd.read_csv(SHARED / "bpi2012" / "applications.csv").set_index("case_id")
    wanted = log.assign(amount=amounts["amount_req"].reindex(log["case_id"].astype(int)).to_numpy())
    wanted = wanted.groupby("stage")["amount"].agg(["size", "sum"]).astype(float)
    actual = published("bpi2012").marts(
        "select stage, count(*) as size, sum(amount) as sum from marts.fct_stage_visits "
        "where status = 'open' and entered_at <= ? and coalesce(exited_at > ?, true) "
        "group by stage",
        [moment.to_pydatetime()] * 2,
    )
    actual = actual.set_index("stage").astype(float).sort_index()
    pd.testing.assert_frame_equal(actual, wanted.sort_index(), check_names=False)
