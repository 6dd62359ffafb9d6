"""Queries of special boards on rows of a few, worked by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pytest

from dagster_project.dashboard.special.boards import SPECIAL_BOARDS
from dagster_project.dashboard.special.model import Figure, Row, Sentence, rows_of
from tests.dashboard.pictures import Picture
from tests.dashboard.shell import empty, insert

BOARDS = {board.key: board for board in SPECIAL_BOARDS}
JULY, AUGUST = dt.date(2024, 7, 1), dt.date(2024, 8, 1)


@pytest.fixture
def marts() -> duckdb.DuckDBPyConnection:
    return empty()


def told(marts: duckdb.DuckDBPyConnection, key: str) -> list[Row]:
    return rows_of(marts, BOARDS[key])


def said(sentence: Sentence | None) -> str:
    assert sentence is not None
    return "".join(str(it.value) if isinstance(it, Figure) else it for it in sentence)


def bridge(start: dt.date, **amounts: Any) -> dict[str, Any]:
    steps = (
        *("opening", "created", "reopened", "increased", "decreased", "won", "lost"),
        *("no_decision", "deleted", "merged", "currency", "closing"),
    )
    return {
        "scope": "open",
        "period_grain": "month",
        "period_start": start,
        "dimension": "company",
        "basis": "reporting",
        "n_without_rate": 0,
        **dict.fromkeys(steps, 0),
        **amounts,
    }


def test_steps_out_are_negative_and_stand_on_one_another(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    july = bridge(
        JULY, opening=100, created=50, decreased=10, won=40, lost=20, currency=-5, closing=75
    )
    insert(marts, "fct_pipeline_bridge", july, bridge(AUGUST, opening=75, closing=75))
    rows = [row for row in told(marts, "bridge") if row["period"] == "last whole month"]
    assert [
        (row["label"], row["amount"], row["from_amount"], row["to_amount"]) for row in rows
    ] == [
        ("at the beginning", 100, 0, 100),
        ("created", 50, 100, 150),
        ("re-opened", 0, 150, 150),
        ("amount raised", 0, 150, 150),
        ("amount cut", -10, 150, 140),
        ("won", -40, 140, 100),
        ("lost", -20, 100, 80),
        ("no decision", 0, 80, 80),
        ("deleted", 0, 80, 80),
        ("merged", 0, 80, 80),
        ("exchange rates", -5, 80, 75),
        ("at the end", 75, 0, 75),
    ]
    picture = Picture(BOARDS["bridge"], rows)
    assert len(picture.marks("rect")) == 7, "totals and steps that are not 0"
    assert {"−€40", "+€50", "−€5.00", "€75"} <= {*picture.words}
    assert {"total", "in", "won", "out"} <= {*picture.words}, "what the colours mean"


def test_after_a_step_that_nobody_knows_nothing_has_a_place_but_the_end(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    july = bridge(JULY, opening=100, created=50, won=None, lost=20, closing=90, n_without_rate=2)
    insert(marts, "fct_pipeline_bridge", july)
    rows = told(marts, "bridge")
    places = {row["label"]: row["to_amount"] for row in rows}
    assert (places["created"], places["won"], places["lost"], places["now"]) == (
        150,
        None,
        None,
        90,
    )
    picture = Picture(BOARDS["bridge"], rows)
    assert "not known" in picture.words
    assert "−€20" in picture.words
    assert len(picture.marks("rect")) == 3
    sentence = BOARDS["bridge"].says(rows)
    assert Figure(2, "count") in sentence
    assert Figure(None, "money") in sentence


def test_a_first_month_is_so_far(marts: duckdb.DuckDBPyConnection) -> None:
    insert(marts, "fct_pipeline_bridge", bridge(JULY, created=5, closing=5))
    rows = told(marts, "bridge")
    assert {row["period"] for row in rows} == {"this month"}
    assert rows[-1]["label"] == "now"


def test_ages_are_beside_those_of_visits_that_ended(marts: duckdb.DuckDBPyConnection) -> None:
    usual = {
        "stage": "Demo",
        "stage_median_days": 10,
        "stage_p75_days": 20,
        "stage_p90_days": 30,
        "stage_stays_ended": 10,
    }
    for days, amount in ((10, 1), (20, 2), (30, 4), (31, 8), (None, 16)):
        insert(marts, "mart_deal_inspection", usual | {"days_in_stage": days, "amount": amount})
    insert(
        marts,
        "mart_deal_inspection",
        usual | {"days_in_stage": 99, "stage_stays_ended": 9, "amount": None},
    )
    rows = [row for row in told(marts, "stage_and_age") if row["measure"] == "amount"]
    assert {row["age"]: (row["deals"], row["amount"]) for row in rows} == {
        "up to the median": (1, 1),
        "up to 3 of 4": (1, 2),
        "up to 9 of 10": (1, 4),
        "older than 9 of 10": (1, 8),
        "usual age not known": (2, 16),
    }
    assert Figure(1, "count") in BOARDS["stage_and_age"].says(rows)


def test_stages_stand_in_the_order_of_the_pipeline(marts: duckdb.DuckDBPyConnection) -> None:
    for order, stage in enumerate(("Zero", "Mid", "Apex")):
        insert(marts, "mart_deal_inspection", {"stage": stage, "stage_order": order, "amount": 1})
    rows = told(marts, "stage_and_age")
    assert [row["label"] for row in rows if row["measure"] == "deals"] == ["Zero", "Mid", "Apex"]
    words = Picture(BOARDS["stage_and_age"], rows[:3]).words
    assert [word for word in words if word in ("Zero", "Mid", "Apex")] == ["Zero", "Mid", "Apex"]


@pytest.mark.parametrize(
    ("quota", "won", "to_go", "coverage", "words"),
    [
        (100, 40, 60, 1.5, "1.5× of €60 to go"),
        (100, 120, 0, None, "quota reached"),
        (None, None, None, None, "no quota"),
    ],
)
def test_coverage_says_what_is_to_go(
    marts: duckdb.DuckDBPyConnection,
    quota: float | None,
    won: float | None,
    to_go: float | None,
    coverage: float | None,
    words: str,
) -> None:
    insert(
        marts,
        "mart_pipeline_coverage",
        {
            "period_grain": "quarter",
            "period_start": JULY,
            "dimension": "company",
            "quota": quota,
            "won": won,
            "to_go": to_go,
            "due": 90,
            "coverage_to_go": coverage,
        },
    )
    rows = told(marts, "coverage")
    picture = Picture(BOARDS["coverage"], rows)
    assert words in picture.words
    # What is won and the quota are only there where there is a quota.
    assert len(picture.marks("rect")) == (1 if quota is None else 3)
    assert "Jul 2024 – Sep 2024" in picture.words


def test_deals_beyond_the_first_are_told(marts: duckdb.DuckDBPyConnection) -> None:
    for number in range(15):
        insert(
            marts,
            "mart_pipeline_changes",
            {
                "since": "yesterday",
                "money_rank": 15 - number,
                "opportunity_key": str(number),
                "opportunity_name": "same name",
                "movement": "pushed_out",
                "money_at_stake": number,
            },
        )
    rows = told(marts, "changed_deals")
    assert len(rows) == 12
    assert rows[0]["money_at_stake"] == 14
    assert BOARDS["changed_deals"].left_out(rows) == (
        *("and ", Figure(3, "count")),
        " more deals, not shown",
    )
    assert len(Picture(BOARDS["changed_deals"], rows).marks("rect")) == 12, "one bar a deal"


def test_a_share_beyond_chance_is_marked(marts: duckdb.DuckDBPyConnection) -> None:
    def channel(name: str, leads: int, won: int) -> dict[str, Any]:
        of_all = {"qualified": leads, "accepted": leads, "opportunities": leads}
        dimension = "company" if name == "all" else "channel"
        return {
            "dimension": dimension,
            "dimension_key": name,
            "dimension_label": name,
            "leads": leads,
            "won": won,
            **of_all,
        }

    insert(
        marts,
        "mart_funnel",
        channel("all", 1000, 100),
        channel("good", 400, 80),
        channel("usual", 300, 30),
        channel("bad", 300, 9),
        channel("tiny", 5, 5),
    )
    rows = [row for row in told(marts, "channel_funnel") if row["step"] == "won"]
    assert {row["channel"]: row["verdict"] for row in rows} == {
        "all channels": "all channels",
        "good": "above",
        "usual": "may be chance",
        "bad": "below",
        "tiny": "too few to say",
    }
    words = Picture(BOARDS["channel_funnel"], rows).words
    assert {"20% ▲", "3.0% ▼", "10%"} <= {*words}


def test_the_year_of_recurring_revenue_is_twelve_whole_months(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    for month in range(14):
        start = dt.date(2023 + month // 12, month % 12 + 1, 1)
        insert(
            marts,
            "kpi_values",
            {
                "metric": "mrr",
                "variant": "default",
                "dimension": "company",
                "period_grain": "month",
                "period_start": start,
                "value": 10 * (month + 1),
                "n_excluded": 0,
            },
        )
        for customer, opening, new in (("a", 10 * month, 10), ("b", 0, 0)):
            insert(
                marts,
                "fct_mrr_movements",
                {
                    "month_start": start,
                    "customer_key": customer,
                    "opening": opening,
                    "new": new,
                    **dict.fromkeys(
                        ("expansion", "contraction", "churn", "reactivation", "currency"), 0
                    ),
                    "closing": opening + new,
                },
            )
    rows = [row for row in told(marts, "mrr_waterfall") if row["period"].startswith("last twelve")]
    assert {(row["first_month"], row["last_month"]) for row in rows} == {
        ("2023-02-01", "2024-01-01")
    }
    by_label = {row["label"]: row["amount"] for row in rows}
    assert by_label["at the beginning"] == 10
    assert by_label["new customers"] == 120
    assert by_label["at the end"] == 130


def test_causes_of_a_restatement_go_to_their_sides(marts: duckdb.DuckDBPyConnection) -> None:
    insert(
        marts,
        "mart_restatements",
        {
            "metric": "deals_won",
            "variant": "default",
            "period_grain": "month",
            "period_start": JULY,
            "dimension": "company",
            "unit": "deals",
            "first_value": 10,
            "value": 12,
            "difference": 2,
            "late_facts": 5,
            "corrections": -3,
            "definition_change": 0,
            "later_events": 0,
        },
        {
            "metric": "win_rate",
            "variant": "default",
            "period_grain": "month",
            "period_start": JULY,
            "dimension": "company",
            "unit": "ratio",
            "first_value": 0.5,
            "value": 0.5,
            "difference": 0,
        },
    )
    rows = told(marts, "restatements")
    assert {row["metric"] for row in rows} == {"deals_won"}, "what has not changed is not there"
    assert sum(row["difference_by_cause"] for row in rows) == rows[0]["difference"]
    picture = Picture(BOARDS["restatements"], rows)
    assert "10 → 12" in picture.words
    assert len(picture.marks("rect")) == 3, "two causes and the whole difference"


def test_people_of_one_name_are_two(marts: duckdb.DuckDBPyConnection) -> None:
    for rep, value in (("1", 0.25), ("2", 0.75)):
        insert(
            marts,
            "people.marts.mart_rep_scorecard",
            {
                "rep_id": rep,
                "rep_name": "Ann",
                "month_start": JULY,
                "metric": "win_rate",
                "variant": "default",
                "unit": "ratio",
                "value": value,
                "n_included": 10,
                "is_over": True,
                "is_active": True,
                "is_enough_data": True,
            },
        )
    rows = told(marts, "scorecards")
    assert [row["person"] for row in rows] == ["Ann (1)", "Ann (2)"]
    assert {"25.0%", "75.0%"} <= {*Picture(BOARDS["scorecards"], rows).words}


def test_a_month_in_part_is_no_point_of_a_ramp(marts: duckdb.DuckDBPyConnection) -> None:
    for number, (is_whole, is_over) in enumerate([(False, True), (True, True), (True, False)]):
        insert(
            marts,
            "people.marts.mart_ramp",
            {
                "rep_id": "1",
                "rep_name": "Ann",
                "hired_on": JULY,
                "months_since_hire": number,
                "attainment": 0.5,
                "is_whole": is_whole,
                "is_over": is_over,
            },
        )
    rows = told(marts, "ramp")
    assert len(rows) == 3
    assert len(Picture(BOARDS["ramp"], rows).marks("symbol")) == 1


def test_a_campaign_of_which_no_spend_is_known_is_no_bar(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    insert(
        marts,
        "mart_campaign_performance",
        {"campaign_id": "1", "campaign_name": "known", "spend": 10, "won_first": 5},
        {"campaign_id": "2", "campaign_name": "unknown", "spend": None, "won_first": 5},
        {"campaign_id": "3", "campaign_name": "nothing", "spend": 0, "won_first": 5},
    )
    assert {row["campaign"] for row in told(marts, "spend_to_won")} == {"1. known"}


def test_the_axis_is_in_the_company_s_money_and_has_no_giga(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    insert(
        marts,
        "fct_pipeline_bridge",
        bridge(JULY, opening=2_500_000_000, closing=2_500_000_000),
    )
    words = Picture(BOARDS["bridge"], told(marts, "bridge")).words
    assert "€2.5B" in words
    assert not [word for word in words if word.endswith("G")]


def test_until_something_is_published_again_nothing_can_have_changed(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    board = BOARDS["restatements"]
    insert(marts, "mart_restatements", {"first_run_id": "a", "run_id": "a", "difference": 0})
    assert board.said_of_nothing(marts).startswith("No month has been published before")
    marts.execute("update marts.mart_restatements set run_id = 'b'")
    assert board.said_of_nothing(marts) == board.empty


def test_samples_are_records_not_rows() -> None:
    board = BOARDS["coverage"]
    rows = [{"due_deals": 3}, {"due_deals": None}, {"due_deals": 4}]
    assert said(board.sampled(rows)) == "7 deals due"
    board = BOARDS["stage_funnel"]
    assert said(board.sampled([{"entered": 3}, {"entered": 40}])) == (
        "3 to 40 deals that came in, by row"
    )
    assert said(board.sampled([{"entered": 1}])) == "1 deal that came in"
    assert board.sampled([{"entered": None}]) is None
    assert BOARDS["bridge"].sampled([{"step": "created"}]) is None


def test_definitions_of_other_deals_are_not_called_the_same(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    """The cohort is of the deals that were created in the quarter, many of which are open."""
    for start in (dt.date(2024, 10, 1), dt.date(2024, 11, 1)):
        insert(
            marts,
            "fct_pipeline_bridge",
            {"period_grain": "month", "dimension": "company", "period_start": start},
        )
    insert(
        marts,
        "dim_date",
        {
            "date_day": dt.date(2024, 11, 1),
            "fiscal_quarter_start": dt.date(2024, 10, 1),
            "fiscal_year_start": dt.date(2024, 1, 1),
        },
    )
    for grain, start in (("quarter", dt.date(2024, 7, 1)), ("all", None)):
        for variant, value in (("default", 0.3), ("cohort", 0.2)):
            insert(
                marts,
                "mart_definitions_compared",
                {
                    "metric": "win_rate", "variant": variant, "period_grain": grain,
                    "period_start": start, "dimension": "company", "value": value,
                    "unit": "ratio",
                },
            )  # fmt: skip
    board = BOARDS["definitions"]
    told = {
        chosen: said(board.says(rows))
        for chosen, rows in board.chosen(rows_of(marts, board)).items()
    }
    assert told == {
        "win rate, last whole quarter": (
            "In the same period, win rate is between 0.2 (cohort, still ripening) and 0.3"
            " (default (ours)), by its definition."
        ),
        "win rate, all time": (
            "In the same period, win rate is between 0.2 (cohort) and 0.3 (default (ours)),"
            " by its definition."
        ),
    }


def test_changes_say_since_which_day() -> None:
    rows = [
        {
            "since_words": "the last working day", "since_at": "2024-12-30T23:00:00",
            "changes": 1, "not_known": 0, "effect": 5.0, "opportunity_name": "Deal",
            "movements": "won", "money_at_stake": 5.0,
        }
    ]  # fmt: skip
    for key in ("changes", "changed_deals"):
        [day] = [
            it for it in BOARDS[key].says(rows) if isinstance(it, Figure) and it.format == "day"
        ]
        assert day.value == "2024-12-30T23:00:00"


def test_money_of_references_is_money() -> None:
    row = {
        "n_unresolved": 3, "n_given": 100, "unresolved_share": 0.03, "rule": "owner_id_unknown",
        "entity": "opportunities", "source_instance": "crm", "column_name": "owner_id",
        "target": "users", "money_at_stake": 16300.0, "likely_reason": "they left", "effect": None,
    }  # fmt: skip
    told = BOARDS["references"].says([row])
    assert Figure(16300.0, "money") in told
    assert said(told) == (
        "First: 3 of 100 (0.03) owner_id lead to nothing in users (opportunities of crm);"
        " 16300.0 at stake; likely: they left."
    )
