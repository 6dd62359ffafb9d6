"""The closing rule of the truth, worked by hand: when a deal is closed, and since when."""

from __future__ import annotations

import pandas as pd
import pytest

from ingestion.sandbox.world.calendar import DAY, to_datetime
from ingestion.sandbox.world.schema import NULL
from tests.truth.kpis import truth
from tests.truth.little_world import LittleWorld, day, moment


def closing(little: LittleWorld, timezone: str = "UTC") -> str:
    """When the first deal closed, as ISO text; empty while it is open."""
    at = little.history(timezone).deals["closed_at"].iloc[0]
    return "" if at == NULL else to_datetime(int(at)).strftime("%Y-%m-%d %H:%M:%S.%f")


def open_at(little: LittleWorld, *moments: str) -> list[bool]:
    """Whether the first deal is open at moments."""
    history = little.history()
    return [history.deals_at(moment(text))["status"].eq("open").any() for text in moments]


def negotiated(entered: str, until: str = "2023-06-01") -> LittleWorld:
    """A deal that entered Negotiation at a moment."""
    little = LittleWorld(until)
    little.move(little.deal("2023-01-10 09:00", "2023-02-28"), entered, "Negotiation")
    return little


@pytest.mark.parametrize(
    ("entered", "date", "closed"),
    [
        ("2023-03-10 09:00", "2023-02-28", "2023-03-15 10:00:00.000000"),
        ("2023-02-28 14:00", "2023-02-28", "2023-02-28 23:59:59.999999"),
        ("2023-02-20 14:00", "2023-02-28", "2023-02-28 23:59:59.999999"),
        ("2023-02-20 14:00", "2023-03-15", "2023-03-15 10:00:00.000000"),
        ("2023-02-20 14:00", "2023-03-16", "2023-03-15 10:00:00.000000"),
        ("2023-02-20 14:00", "2031-01-01", "2023-03-15 10:00:00.000000"),
    ],
    ids=["left_in_the_past", "any_moment_of_the_day", "entered_late", "the_told_move_of_the_day",
         "the_day_after", "years_ahead"],
)  # fmt: skip
def test_a_bare_date_holds_where_the_history_allows(entered: str, date: str, closed: str) -> None:
    little = negotiated(entered)
    little.close(0, "2023-03-15 10:00", "Closed Won", date)
    assert closing(little) == closed


def test_a_recorded_moment_within_the_window_holds() -> None:
    little = negotiated("2023-02-20 14:00")
    little.close(0, "2023-03-15 10:00", "Closed Won", "2023-03-01 12:00")
    assert closing(little) == "2023-03-01 12:00:00.000000"
    assert open_at(little, "2023-03-01 11:59", "2023-03-01 12:00") == [True, False]


def test_a_recorded_moment_outside_is_contradicted() -> None:
    little = negotiated("2023-03-10 14:00")
    little.close(0, "2023-03-15 10:00", "Closed Won", "2023-03-10 13:59")
    assert closing(little) == "2023-03-15 10:00:00.000000"


def test_a_local_midnight_is_a_day() -> None:
    little = negotiated("2023-02-20 14:00")
    little.close(0, "2023-03-15 10:00", "Closed Won", "2023-03-01 05:00")
    assert closing(little, "America/New_York") == "2023-03-02 04:59:59.999999"
    assert closing(little) == "2023-03-01 05:00:00.000000"


@pytest.mark.parametrize("date", [None, "2023-02-01", "2023-04-10"])
def test_reopened_then_won_is_closed_twice(date: str | None) -> None:
    little = negotiated("2023-01-20 14:00")
    little.close(0, "2023-02-01 10:00", "Closed Won")
    little.change("opportunities", 0, "2023-03-01 09:00", "closed_at", NULL)
    little.move(0, "2023-03-01 09:00", "Proposal")
    little.close(0, "2023-04-10 16:00", "Closed Won", date)
    assert closing(little) == "2023-04-10 16:00:00.000000"
    assert open_at(
        little, "2023-01-31", "2023-02-01 10:00", "2023-03-01 09:00", "2023-04-10 15:59",
        "2023-04-10 16:00",
    ) == [True, False, True, True, False]  # fmt: skip


def test_a_reopened_deal_is_open_whatever_its_date_says() -> None:
    little = negotiated("2023-01-20 14:00")
    little.close(0, "2023-02-01 10:00", "Closed Lost", "2023-02-01")
    little.move(0, "2023-03-01 09:00", "Proposal")
    assert closing(little) == ""


def test_created_and_won_on_one_day_is_no_day() -> None:
    little = LittleWorld("2023-06-01")
    little.deal("2023-03-01 09:00", "2023-03-01")
    little.close(0, "2023-03-04 10:00", "Closed Won", "2023-03-01")
    table = numbers(little)
    assert company(table, "sales_cycle_days", "created")["value"] == 0
    assert company(table, "stage_velocity_days")["value"] == 0


def test_spans_of_moments_keep_their_fractions() -> None:
    little = LittleWorld("2023-06-01")
    little.deal("2023-03-01 09:00", "2023-03-01")
    little.close(0, "2023-03-04 21:00", "Closed Won", "2023-03-04")
    assert little.history().deals["closed_at"].iloc[0] == moment("2023-03-04 21:00")
    table = numbers(little)
    assert company(table, "sales_cycle_days", "created")["value"] == 3.5


def test_credit_is_of_the_owner_at_the_end_of_a_bare_day() -> None:
    little = negotiated("2023-02-20 14:00")
    _, second, third = little.reps[:3]
    little.change("opportunities", 0, "2023-03-01 20:00", "owner_id", second)
    little.change("opportunities", 0, "2023-03-02 08:00", "owner_id", third)
    little.close(0, "2023-03-05 10:00", "Closed Won", "2023-03-01")
    assert little.history().deals["owner"].iloc[0] == second


@pytest.mark.parametrize(
    ("closed", "date", "default", "pushed"),
    [
        ("2023-02-20 10:00", None, 0, 0),
        ("2023-03-02 10:00", "2023-02-27 10:00", 0, 0),
        ("2023-03-02 10:00", None, 1, 0),
        (None, None, 1, 0),
    ],
    ids=["closed_in_time", "entered_late", "closed_too_late", "still_open"],
)
def test_slipped_is_what_was_due_and_not_closed_by_the_end(
    closed: str | None, date: str | None, default: int, pushed: int
) -> None:
    little = negotiated("2023-01-20 14:00")
    if closed:
        little.close(0, closed, "Closed Won", date)
    little.due(0, "2023-04-01 10:00", "2023-07-01")
    assert slippage(little) == [default, pushed if closed else 1]


def test_pushed_counts_before_the_closing_only() -> None:
    little = negotiated("2023-01-20 14:00")
    little.due(0, "2023-02-10 10:00", "2023-03-10")
    little.close(0, "2023-02-20 10:00", "Closed Won")
    assert slippage(little) == [0, 1]


def test_a_date_set_by_a_closing_is_no_push_though_the_deal_was_reopened() -> None:
    little = negotiated("2023-01-20 14:00")
    little.due(0, "2023-02-10 10:00", "2023-03-10")
    little.close(0, "2023-03-15 10:00", "Closed Lost")
    little.due(0, "2023-03-20 10:00", "2023-03-25")
    little.move(0, "2023-04-01 09:00", "Proposal")
    little.due(0, "2023-04-01 09:00", "2023-05-10")
    little.close(0, "2023-05-20 10:00", "Closed Won")
    table = numbers(little)
    assert company(table, "push_count")["numerator"] == 2


def test_a_period_that_has_not_ended_has_no_slippage() -> None:
    little = negotiated("2023-01-20 14:00", until="2023-02-28")
    table = numbers(little)
    assert table[table["metric"] == "slippage_rate"].empty


def test_as_created_has_the_amount_of_then() -> None:
    little = LittleWorld("2023-06-01")
    little.deal("2023-03-01 09:00", "2023-05-01", 100)
    little.change("opportunities", 0, "2023-04-01 09:00", "amount", 30_000)
    table = numbers(little)
    amounts = {
        variant: company(table, "pipeline_created", variant)["value"]
        for variant in ("default", "as_created")
    }
    assert amounts == {"default": 300, "as_created": 100}


def test_a_lead_of_a_deal_that_was_merged_into_a_won_one_is_won() -> None:
    little = LittleWorld("2023-06-01")
    kept, merged = (little.deal("2023-03-01 09:00", "2023-05-01") for _ in range(2))
    at = moment("2023-02-01 09:00")
    little.state.create(
        "leads", 3, at, created_at=at, channel=0, campaign_id=-1, owner_id=little.reps[0], status=3,
        converted_at=[at, at, NULL], opportunity_id=[merged, -1, -1],
    )  # fmt: skip
    little.change("opportunities", merged, "2023-04-01 09:00", "merged_into_id", kept)
    little.close(kept, "2023-05-01 09:00", "Closed Won")
    table = numbers(little)
    rates = {
        variant: company(table, "lead_conversion_rate", variant)["numerator"]
        for variant in ("default", "to_opportunity")
    }
    assert rates == {"default": 1, "to_opportunity": 2}


def slippage(little: LittleWorld) -> list[float]:
    """Deals that slipped out of February, by the default and pushed."""
    table = numbers(little)
    february = pd.Timestamp("2023-02-01").date()
    rows = table[
        (table["metric"] == "slippage_rate") & (table["dimension"] == "company")
        & (table["period_grain"] == "month") & (table["period_start"] == february)
    ]  # fmt: skip
    return rows.set_index("variant")["numerator"].loc[["default", "pushed"]].tolist()


def numbers(little: LittleWorld) -> pd.DataFrame:
    """The truth of its deals."""
    settings = {"timezone": "UTC", "fiscal_year_start_month": 1, "currency": "USD"}
    return truth(little.world, **settings, has_finance=False)  # type: ignore[arg-type]


def company(table: pd.DataFrame, metric: str, variant: str = "default") -> pd.Series:
    """The company's number of all time."""
    rows = (table["metric"] == metric) & (table["variant"] == variant)
    rows &= (table["period_grain"] == "all") & (table["dimension"] == "company")
    return table[rows].squeeze()


def test_days_and_moments_of_little_worlds() -> None:
    assert day("1970-01-02") == 1
    assert moment("1970-01-02 01:00") == DAY + 3_600_000_000
