"""Who answered whom, and when: the records of the company of answers, worked by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import Published


@pytest.fixture
def company(published: Publish) -> Published:
    return published("answers")


def members(company: Published, metric: str, variant: str) -> pd.DataFrame:
    """The members of a metric by the id of their record."""
    rows = company.warehouse(
        f"select * from intermediate.{metric} where variant = ? order by entity_id", [variant]
    )
    return rows.set_index("entity_id")


def reasons(company: Published, metric: str, variant: str) -> dict[str, str]:
    found = members(company, metric, variant)["exclusion_reason"].dropna()
    return {str(key): str(reason) for key, reason in found.items()}


LEADS = {
    "answered_within_an_hour": (1, 1),
    "answered_within_a_day": (24, 7.5 + 1),
    "answered_at_once": (0, 0),
    "answered_over_a_weekend": (65.5, 1 + 1),
    "created_and_answered_at_a_weekend": (26, 0),
    "answered_on_a_holiday": (19, 1.5),
    "answered_after_easter": (112.25, 0.5 + 0.25),
    "answered_after_epiphany": (40.5, 0.5 + 0.5),
    "answered_on_a_holiday_that_is_worked": (17, 0.5 + 1),
    "answered_over_the_bridge_day": (113, 0.5 + 1),
    "answered_across_the_change_to_summer": (63.5, 0.5 + 0.5),
    "answered_across_the_change_to_winter": (65.5, 0.5 + 0.5),
    "answered_over_the_hour_that_is_there_twice": (3, 0),
    "written_to_after_what_is_noted": (48.25, 7.5 + 8.5 + 1.25),
    "wrote_before_it_was_answered": (2 + 5 / 60, 2 + 5 / 60),
    "answered_by_somebody_else": (3, 3),
    "answered_by_what_was_moved_to_its_contact": (1, 1),
}
"""Hours until the answer, and how many of them were worked."""


@pytest.mark.parametrize(("lead", "hours"), LEADS.items())
def test_hours_until_a_lead_is_answered(
    company: Published, lead: str, hours: tuple[float, float]
) -> None:
    for variant, expected in zip(("default", "business_hours"), hours, strict=True):
        row = members(company, "lead_response_hours", variant).loc[lead]
        assert float(row["numerator"]) == pytest.approx(expected, abs=1e-6), variant
        assert pd.isna(row["exclusion_reason"])


def test_leads_of_which_nobody_knows_the_hours(company: Published) -> None:
    bare = {
        "created_on_a_bare_day": "no_time",
        "answered_on_a_bare_day": "no_time",
        "answered_on_a_bare_day_before": "no_time",
    }
    untold = {"phone_lead": "no_activities", "phone_lead_deleted": "deleted"}
    early = dict.fromkeys(
        ("answered_before_it_was_created", "called_before_it_was_created"),
        "answered_before_created",
    )
    gone = {"answered_and_deleted": "deleted"}
    for variant in ("default", "median", "business_hours"):
        found = reasons(company, "lead_response_hours", variant)
        assert found == {**bare, **untold, **early, **gone}
    never = {**untold, **gone, "deleted_and_never_answered": "deleted"}
    assert reasons(company, "lead_response_hours", "never") == never
    bare["created_on_a_bare_day_and_never_answered"] = "no_time"
    for variant in ("within_1h", "within_24h"):
        assert reasons(company, "lead_response_hours", variant) == {**bare, **never}


def test_leads_answered_in_time(company: Published) -> None:
    """The limit is in it, what was answered before it was created too; a plan is no answer."""
    within = {
        variant: members(company, "lead_response_hours", variant)["numerator"].astype(int)
        for variant in ("within_1h", "within_24h", "never")
    }
    for lead, expected in {
        "answered_within_an_hour": (1, 1, 0),
        "answered_a_second_after_an_hour": (0, 1, 0),
        "answered_within_a_day": (0, 1, 0),
        "answered_a_second_after_a_day": (0, 0, 0),
        "answered_before_it_was_created": (1, 1, 0),
        "called_before_it_was_created": (1, 1, 0),
        "answered_after_now": (0, 0, 1),
        "never_answered": (0, 0, 1),
        "answer_is_planned": (0, 0, 1),
        "answer_was_deleted": (0, 0, 1),
        "of_the_same_contact_and_not_converted": (0, 0, 1),
    }.items():
        assert tuple(share[lead] for share in within.values()) == expected, lead


INQUIRIES = {
    "asks_by_contact": (4, "ada"),
    "asks_about_a_deal": (2, "ada"),
    "asks_by_account": (24, "finn"),
    "asks_as_a_lead": (0.25, "ada"),
    "writes_first": (2, "sam"),
    "asks_again": (6, "ada"),
    "asks_a_third_time": (4, "ada"),
    "asks_on_a_friday_evening": (62.5, "ada"),
    "asks_about_a_merged_deal": (3, "cleo"),
    "asks_about_a_deleted_deal": (24, "cleo"),
    "asks_and_the_answer_was_deleted": (3, "ada"),
    "asks_today": (1, "sam"),
    "the_buyer_writes": (264, "ada"),
    "asks_whom_it_may_concern_about_a_deal": (457, "finn"),
    "asks_nobody_as_nobody": (167, "(none)"),
    "asks_as_one_of_an_account": (2, "sam"),
    "asks_about_another_deal_of_the_account": (2, "finn"),
}
"""Hours until the answer, and whose the inquiry is."""


def test_hours_until_an_inquiry_is_answered(company: Published) -> None:
    for variant in ("default", "median"):
        found = members(company, "inquiry_response_hours", variant)
        included = found[found["exclusion_reason"].isna()]
        hours = included["numerator"].astype(float).round(6)
        assert dict(zip(included.index, zip(hours, included["rep"]))) == INQUIRIES  # noqa: B905
        assert reasons(company, "inquiry_response_hours", variant) == {
            "asks_on_a_bare_day": "no_time", "is_answered_on_a_bare_day": "no_time",
            "deleted_inquiry": "deleted",
        }  # fmt: skip


def test_inquiries_that_nobody_answered(company: Published) -> None:
    """A day old to the second is due; a task, a note and what is about nobody ask nothing."""
    found = members(company, "inquiry_response_hours", "never")
    open_ones = found[found["numerator"].astype(int) == 1]
    waiting = open_ones[open_ones["exclusion_reason"].isna()]["rep"].to_dict()
    assert waiting == {
        "asks_a_day_before_now": "ada",
        "asks_on_a_bare_day_in_vain": "finn",
        "asks_nobody_about_a_merged_deal": "cleo",
        "asks_whom_it_may_concern_about_nobodys_deal": "ben",
        "asks_whom_it_may_concern_as_a_lead": "ben",
        "the_buyer_alone_writes": "ada",
    }
    excluded = {"deleted_inquiry": "deleted", "asks_within_a_day_before_now": "not_due"}
    assert reasons(company, "inquiry_response_hours", "never") == excluded
    bare = ("asks_on_a_bare_day", "is_answered_on_a_bare_day", "asks_on_a_bare_day_in_vain")
    assert reasons(company, "inquiry_response_hours", "within_24h") == {
        **excluded, **dict.fromkeys(bare, "no_time"),
    }  # fmt: skip
    for nothing in ("is_about_nobody", "inbound_note", "inbound_task", "planned_inquiry"):
        assert nothing not in found.index


def test_days_between_two_touches_of_a_deal(company: Published) -> None:
    """Up to the closing; of two in one moment one comes at once. A day has no hours."""
    found = members(company, "follow_up_gap_days", "default")
    included = found[found["exclusion_reason"].isna()]
    gaps = included["numerator"].astype(float).round(4).to_dict()
    at_once = sorted(gaps.pop(f"two_in_one_moment_{nth}") for nth in (1, 2))
    assert at_once == [0, 2.9583]
    assert gaps == {
        "one_of_five_cleo": 2,
        "one_of_five_finn": 1,
        "one_of_five_mia": 7.25,
        "of_nobody": 10.75,
        "on_a_bare_day": 10,
        "on_the_bare_closing_day": 39,
        "last_of_dora": 11.875,
        "on_the_survivor": 3,
        "on_the_merged_one_after_that": 3,
        "across_the_change_to_summer": 72,
        "touched_within_14_days": 37.3333,
    }
    assert reasons(company, "follow_up_gap_days", "default") == {
        "on_the_deleted_deal_again": "deleted", "of_it_again": "no_close_date",
    }  # fmt: skip


def test_open_deals_that_somebody_has_touched(company: Published) -> None:
    """14 days ago to the second is too long; who is told no directions does not know."""
    found = members(company, "follow_up_gap_days", "share_touched_14d")
    counted = found[found["exclusion_reason"].isna()]["numerator"].astype(int).to_dict()
    assert counted == {
        "open_and_touched": 1,
        "open_and_touched_14_days_ago": 0,
        "open_and_touched_over_a_merged_deal": 1,
        "open_and_written_by_the_buyer_only": 0,
        "nobodys": 0,
    }
    assert reasons(company, "follow_up_gap_days", "share_touched_14d") == {
        "phone_open": "no_activities", "deleted": "deleted", "merged_away": "merged",
        "merged_into_the_open_one": "merged",
    }  # fmt: skip


def test_touches_of_won_deals(company: Published) -> None:
    found = members(company, "touches_per_won_deal", "default")
    counted = found[found["exclusion_reason"].isna()]["numerator"].astype(int).to_dict()
    assert counted == {
        "five_people_on_it": 8,
        "won_untouched": 3,
        "won_on_a_bare_day": 4,
        "lives_on": 6,
        "phone_won": 1,
    }


@pytest.mark.parametrize(
    ("rep", "days"),
    [
        ("ada", [13, 20, 22, 20, 12]),  # from the company's first activity, 14 January
        (
            "ben",
            [None, None, 20, 20, 12],
        ),  # did something on 4 March, before the 17th, on which hired
        ("cleo", [13, 8, None, None, None]),  # left on 12 February, the day itself not counted
        ("dora", [None, None, 4, None, None]),  # gone, and did something from 10 to 13 March
        ("finn", [13, 20, 22, 20, 12]),  # nobody knows since when
        ("eli", [13, 20, 22, 20, 12]),  # of no role, and owns a deal
        ("noor", [None] * 5),  # of no role, and owns nothing
        ("sam", [None] * 5),
        ("mia", [None] * 5),
        ("rosa", [None] * 5),  # begins in June
        ("ghost", [None, None, 1, None, None]),  # no user: what they did is all that is told
    ],
)
def test_working_days_of_reps(company: Published, rep: str, days: list[float | None]) -> None:
    """22 days in April but for Easter; in May the bridge day is off, and the first is not."""
    rows = company.marts(
        "select period_start, denominator from marts.kpi_values where metric = 'activities' "
        "and variant = 'per_rep_day' and period_grain = 'month' and dimension = 'rep' "
        "and dimension_key = ? and denominator > 0",
        [rep],
    )
    found = {pd.Timestamp(row.period_start).month: row.denominator for row in rows.itertuples()}
    assert [found.get(month) for month in range(1, 6)] == days


def test_what_is_done_on_a_day_off_adds_to_the_activities_only(company: Published) -> None:
    """In the week of Good Friday ada has four days, and wrote on the fifth."""
    rows = company.marts(
        "select variant, numerator, denominator from marts.kpi_values where metric = 'activities' "
        "and period_grain = 'week' and cast(period_start as date) = date '2026-03-30' "
        "and dimension = 'rep' and dimension_key = 'ada' order by variant"
    )
    assert list(rows["denominator"].fillna(0).astype(int)) == [0, 4]
    assert rows["numerator"].nunique() == 1


def test_planned_ones_are_in_no_metric(company: Published) -> None:
    found = company.marts("select entity_id from marts.kpi_members where entity = 'activity'")
    ids = set(found["entity_id"])
    planned = {id for id in ids if "planned" in id}
    assert planned == {"planned_and_done"}
    assert "meeting_that_lies_ahead" not in ids


def test_an_activity_without_owner_is_not_dropped(company: Published) -> None:
    nobody = {"dimension": "rep", "dimension_key": "(none)"}
    assert company.kpi("activities", **nobody) == 6
    parts = company.marts(
        "select sum(value) as n from marts.kpi_values where metric = 'activities' "
        "and variant = 'default' and period_grain = 'all' and dimension = 'rep'"
    )
    assert parts["n"].iloc[0] == company.kpi("activities")
