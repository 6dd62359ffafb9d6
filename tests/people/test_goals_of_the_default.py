"""Goals of the default company, as they are published at the first moment of a month."""

from __future__ import annotations

import pandas as pd
import pytest

from dagster_project.publication import open_published
from tests.people.company import default_company


@pytest.fixture(scope="module")
def progress() -> pd.DataFrame:
    with open_published(default_company() / "published" / "salesops.duckdb") as connection:
        return connection.execute("select * from marts.mart_goal_progress").df()


def test_its_goals_are_there_beside_its_quotas(progress: pd.DataFrame) -> None:
    goals = progress[progress["kind_of_goal"] == "goal"]
    assert goals.groupby("goal")["metric"].unique().map(list).to_dict() == {
        "yearly revenue_won": ["revenue_won"],
        "quarterly win_rate": ["win_rate"],
        "leads answered within a day": ["lead_response_hours"],
    }
    assert goals["actual"].notna().sum() > 30
    assert {"met", "missed"} <= set(goals["verdict"])
    assert (progress["kind_of_goal"] == "quota").any()


def test_nothing_of_a_day_has_passed_at_its_first_moment(progress: pd.DataFrame) -> None:
    begun = progress[progress["period_start"] == pd.Timestamp("2026-01-01")]
    monthly = begun[(begun["period_grain"] == "month") & (begun["unit"] == "money")]
    assert len(monthly) > 3
    assert (monthly["days_left"] == monthly["working_days"]).all()
    assert (monthly[["pace", "actual"]] == 0).all().all()
    assert (begun.loc[begun["kind_of_goal"] == "goal", "actual"].isna()).all()


def test_a_landing_says_what_it_rests_on(progress: pd.DataFrame) -> None:
    landed = progress[progress["basis"] == "days"]
    assert len(landed) > 3
    assert (landed["landing_days"] >= 10).all()
    assert (landed["landing_records"] >= 10).all()
    sampled = progress[progress["basis"] == "sample"]
    assert (sampled["landing_records"] >= 10).all()
    assert sampled["landing_days"].isna().all()
