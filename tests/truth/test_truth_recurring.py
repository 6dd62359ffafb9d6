"""The truth's recurring revenue, worked by hand: what moves it, who stays, in which plan."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import DAY
from tests.truth.customers import Customers
from tests.truth.history import History
from tests.truth.little_business import ANALYTICS, CORE, LittleBusiness
from tests.truth.little_world import moment
from tests.truth.recurring import MOVEMENTS, Recurring

QUOTED = LittleBusiness("2022-02-15")
"""A business whose rates a test sets."""


def movements(business: LittleBusiness, timezone: str = "UTC") -> dict[str, dict[str, float]]:
    """What moved, in dollars, by month; only what is not 0."""
    frame = Recurring(business.history(timezone)).movements
    sums = frame.groupby("month")[["opening", *MOVEMENTS, "closing"]].sum() / 100
    return {
        f"{month // 12}-{month % 12 + 1:02}": {name: cents for name, cents in row.items() if cents}
        for month, row in sums.iterrows()
    }


def test_each_change_of_a_customer_is_one_movement() -> None:
    business = LittleBusiness("2022-07-15")
    ann = business.customer("2022-01-10")
    business.subscribe(ann, "2022-01-10", 100, ended="2022-02-10")
    business.subscribe(ann, "2022-02-10", 150, ended="2022-03-10")
    business.subscribe(ann, "2022-03-10", 120, ended="2022-04-10")
    business.subscribe(ann, "2022-06-10", 130)
    assert movements(business) == {
        "2022-01": {"new": 100, "closing": 100},
        "2022-02": {"opening": 100, "expansion": 50, "closing": 150},
        "2022-03": {"opening": 150, "contraction": -30, "closing": 120},
        "2022-04": {"opening": 120, "churn": -120},
        "2022-06": {"reactivation": 130, "closing": 130},
        "2022-07": {"opening": 130, "closing": 130},
    }
    assert business.values("new_mrr") == {"2022-01": 100}
    assert business.values("churned_mrr") == {"2022-04": 120}
    assert business.values("quick_ratio", grain="quarter") == {
        "2022-01": round(150 / 30, 6), "2022-04": round(130 / 120, 6),
    }  # fmt: skip


def test_new_and_gone_within_a_month_moves_nothing_but_is_never_new_again() -> None:
    business = LittleBusiness("2022-04-15")
    ann = business.customer("2022-01-10")
    business.subscribe(ann, "2022-01-10", 100, ended="2022-01-20")
    business.subscribe(ann, "2022-03-10", 100)
    assert movements(business) == {
        "2022-03": {"reactivation": 100, "closing": 100},
        "2022-04": {"opening": 100, "closing": 100},
    }
    assert Customers(business.history()).new["month"].tolist() == [2022 * 12]


def test_up_and_down_in_one_month_is_what_is_left() -> None:
    business = LittleBusiness("2022-02-28")
    ann = business.customer("2022-01-10")
    business.subscribe(ann, "2022-01-10", 100, ended="2022-02-05")
    business.subscribe(ann, "2022-02-05", 200, ended="2022-02-20")
    business.subscribe(ann, "2022-02-20", 90)
    assert movements(business)["2022-02"] == {"opening": 100, "contraction": -10, "closing": 90}


def test_who_returns_after_fourteen_months_is_reactivated() -> None:
    business = LittleBusiness("2023-06-15")
    ann = business.customer("2022-01-10")
    business.subscribe(ann, "2022-01-10", 100, ended="2022-03-20")
    business.subscribe(ann, "2023-05-20", 80)
    assert movements(business)["2023-05"] == {"reactivation": 80, "closing": 80}


def test_a_plan_without_mrr_is_no_customers() -> None:
    business = LittleBusiness("2022-03-15")
    ann = business.customer("2022-01-10")
    business.subscribe(ann, "2021-12-05", 0, ended="2022-01-10")
    business.subscribe(ann, "2022-01-10", 100, ended="2022-02-10")
    business.subscribe(ann, "2022-02-10", 0)
    assert movements(business)["2022-02"] == {"opening": 100, "churn": -100}
    assert business.values("mrr") == {"2021-12": 0, "2022-01": 100, "2022-02": 0, "2022-03": 0}
    assert business.values("average_revenue_per_account") == {
        "2021-12": None, "2022-01": 100, "2022-02": None, "2022-03": None,
    }  # fmt: skip
    assert business.values("customer_retention_rate") == {"2022-02": 0}
    assert business.values("logo_churn_rate") == {"2022-02": 1}


def test_currencies_move_revenue_and_retain_nobody() -> None:
    business = LittleBusiness("2022-12-15")
    ann = business.customer("2022-01-10")
    business.subscribe(ann, "2022-01-10", 1000, currency="EUR")
    moved = Recurring(business.history()).movements
    assert (moved["currency"].iloc[1:] != 0).all()
    assert not moved[["expansion", "contraction", "churn", "reactivation"]].any(axis=None)
    assert moved["opening"].iloc[1:].tolist() == moved["closing"].iloc[:-1].tolist()
    business.state.day += 60
    assert set(business.values("net_revenue_retention").values()) == {1}


def test_retention_looks_at_those_of_a_year_ago() -> None:
    business = LittleBusiness("2023-01-20")
    ann, bob, cid = (business.customer("2022-01-10") for _ in range(3))
    business.subscribe(ann, "2022-01-10", 100, ended="2022-06-01")
    business.subscribe(ann, "2022-06-01", 180)
    business.subscribe(bob, "2022-01-15", 100, ended="2022-08-01")
    business.subscribe(cid, "2022-01-25", 900)
    assert business.values("net_revenue_retention") == {"2023-01": 0.9}
    assert business.values("gross_revenue_retention") == {"2023-01": 0.5}
    assert business.values("net_revenue_retention", grain="all") == {"all": 0.9}


def test_overlapping_subscriptions_add_up_and_the_larger_plan_is_the_customers() -> None:
    business = LittleBusiness("2022-03-15")
    ann = business.customer("2022-01-10")
    business.subscribe(ann, "2022-01-10", 100, plan=CORE)
    business.subscribe(ann, "2022-01-20", 100, plan=ANALYTICS)
    business.subscribe(ann, "2022-02-20", 50, plan=CORE)
    own = business.numbers("mrr", cut="product")["value"].to_dict()
    assert own[("2022-02", "Core annual")] == 150
    assert own[("2022-02", "Analytics annual")] == 100
    main = business.numbers("average_revenue_per_account", cut="product")["value"].to_dict()
    assert main == {
        ("2022-01", "Analytics annual"): 200,
        ("2022-02", "Core annual"): 250,
        ("2022-03", "Core annual"): 250,
    }
    gained = business.numbers("quick_ratio", cut="product")["numerator"].to_dict()
    assert gained == {("2022-01", "Analytics annual"): 200, ("2022-02", "Analytics annual"): 50}


def test_trials_and_pauses_bring_nothing_and_past_due_does() -> None:
    business = LittleBusiness("2022-06-15")
    ann = business.customer("2022-01-10")
    for status, started, ended in (
        ("trialing", "2022-01-20", "2022-02-03"), ("ended", "2022-02-03", "2022-03-20"),
        ("paused", "2022-03-20", "2022-04-20"), ("past_due", "2022-04-20", ""),
    ):  # fmt: skip
        business.subscribe(ann, started, 100, ended, status=status)
    assert movements(business) == {
        "2022-02": {"new": 100, "closing": 100},
        "2022-03": {"opening": 100, "churn": -100},
        "2022-04": {"reactivation": 100, "closing": 100},
        "2022-05": {"opening": 100, "closing": 100},
        "2022-06": {"opening": 100, "closing": 100},
    }
    assert business.values("mrr") == {
        "2022-02": 100, "2022-03": 0, "2022-04": 100, "2022-05": 100, "2022-06": 100,
    }  # fmt: skip
    march = business.numbers("mrr").loc[("2022-03", "all")]
    assert (march["n_included"], march["n_excluded"]) == (0, 1)
    assert Customers(business.history()).new["month"].tolist() == [2022 * 12 + 1]


def test_who_only_tried_or_never_paid_was_no_customer() -> None:
    business = LittleBusiness("2022-06-15")
    tried, owes, pays = (business.customer("2022-01-10") for _ in range(3))
    business.subscribe(tried, "2022-01-10", 100, ended="2022-02-20", status="trialing")
    business.subscribe(owes, "2022-01-10", 100, status="unpaid")
    business.subscribe(pays, "2022-05-10", 100)
    assert list(movements(business)) == ["2022-05", "2022-06"]
    assert len(Customers(business.history()).new) == 1


def test_a_year_s_price_is_divided_exactly_and_each_subscription_rounded_half_up() -> None:
    business = LittleBusiness("2022-02-15")
    for mrr in (514.404167, 8.335, 8.334999, 0.005):
        business.subscribe(business.customer("2022-01-10"), "2022-01-10", mrr)
    assert business.values("mrr")["2022-01"] == 514.40 + 8.34 + 8.33 + 0.01
    assert business.values("arr")["2022-01"] == round(12 * 531.08, 6)


def test_yen_and_dinars_are_worth_what_their_rates_say() -> None:
    business = LittleBusiness("2022-02-15")
    for mrr, currency in ((1_234_567.666667, "JPY"), (815.123457, "KWD")):
        business.subscribe(business.customer("2022-01-10"), "2022-01-10", mrr, currency=currency)
    quotes = business.world.table("fx_rates").to_pandas()
    quotes = quotes[(quotes["day"] <= date(2022, 1, 31)) & (quotes["to_currency"] == "EUR")]
    yen, dinar = (
        quotes[quotes["from_currency"] == code]["rate"].iloc[-1] for code in ("JPY", "KWD")
    )
    cent = Decimal("0.01")
    worth = [
        (Decimal(mrr) * rate).quantize(cent, ROUND_HALF_UP)
        for mrr, rate in (("1234567.666667", yen), ("815.123457", dinar))
    ]
    assert business.values("mrr", currency="EUR")["2022-01"] == float(sum(worth))


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=20), st.integers(1, 5 * 10**8),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_millionths_are_converted_exactly(millionths: list[int], rate: int) -> None:
    business = QUOTED
    business.state["fx_rates"]["rate"][:] = rate
    amounts, count = np.array(millionths), len(millionths)
    cents = business.history().convert_exact(
        amounts, np.full(count, 1), moment("2022-02-01") // DAY
    )
    exact = [Fraction(amount * rate, 10**10) for amount in millionths]
    assert cents.tolist() == [floor(amount + Fraction(1, 2)) for amount in exact]


def test_a_deleted_customer_stays_who_it_was() -> None:
    business = LittleBusiness("2022-04-15")
    ann, bob = (business.customer("2022-01-10") for _ in range(2))
    business.subscribe(ann, "2022-01-10", 100, ended="2022-03-10")
    business.subscribe(bob, "2022-01-10", 50)
    business.pay(business.bill(ann, "2022-01-10", 100), "2022-01-20", 100)
    business.change("customers", ann, "2022-04-10", "is_deleted", 1)
    assert business.values("mrr") == {"2022-01": 150, "2022-02": 150, "2022-03": 50, "2022-04": 50}
    regions = business.numbers("mrr", cut="region")["value"].to_dict()
    assert regions[("2022-02", "EMEA")] == 150
    paid = business.numbers("cash_collected", cut="product")["value"].to_dict()
    assert paid == {("2022-01", "Core annual"): 100}
    assert sorted(Customers(business.history()).new["account"]) == sorted(
        account_of(business, customer) for customer in (ann, bob)
    )


def account_of(business: LittleBusiness, customer: int) -> int:
    """The account of a customer."""
    return int(business.state["customers"]["account_id"][customer])


def test_a_quarter_keeps_those_of_its_beginning() -> None:
    business = LittleBusiness("2022-07-01")
    ann, bob = (business.customer("2022-02-10") for _ in range(2))
    business.subscribe(ann, "2022-02-10", 100)
    business.subscribe(bob, "2022-02-10", 100, ended="2022-05-10")
    cid = business.customer("2022-05-10")
    business.subscribe(cid, "2022-05-10", 100)
    assert business.values("customer_retention_rate", grain="quarter") == {
        "2022-04": 0.5, "2022-07": 1,
    }  # fmt: skip


def test_a_month_ends_in_the_company_s_zone() -> None:
    business = LittleBusiness("2022-04-15")
    ann = business.customer("2022-01-10")
    business.subscribe(ann, "2022-02-01 03:00", 100, ended="2022-04-01 03:59:59")
    assert movements(business, "America/New_York") == {
        "2022-01": {"new": 100, "closing": 100},
        "2022-02": {"opening": 100, "closing": 100},
        "2022-03": {"opening": 100, "churn": -100},
    }
    assert list(movements(business)) == ["2022-02", "2022-03", "2022-04"]


@pytest.fixture(scope="module")
def grown() -> Recurring:
    world = World.found(seed=4, scale=0.1)
    world.advance(420)
    return Recurring(History.of(world, "Asia/Tokyo", 4, "EUR", None))


def test_openings_and_movements_are_closings(grown: Recurring) -> None:
    moved = grown.movements
    assert (moved[["opening", *MOVEMENTS]].sum(axis=1) == moved["closing"]).all()
    assert (moved[["contraction", "churn"]] <= 0).all(axis=None)
    assert (moved[["new", "expansion", "reactivation"]] >= 0).all(axis=None)
    kinds = ["new", "expansion", "contraction", "churn", "reactivation"]
    assert ((moved[kinds] != 0).sum(axis=1) <= 1).all()
    assert all((moved[kind] != 0).any() for kind in MOVEMENTS if kind != "reactivation")


def test_closings_are_the_next_openings(grown: Recurring) -> None:
    moved = grown.movements
    closing = moved[moved["closing"] != 0].set_index(["customer", "month"])["closing"]
    opening = moved[moved["opening"] != 0].assign(month=moved["month"] - 1)
    opening = opening.set_index(["customer", "month"])["opening"]
    last = moved["month"].max()
    closing = closing[closing.index.get_level_values("month") < last]
    pd.testing.assert_series_equal(
        closing.sort_index(), opening.sort_index(), check_names=False, check_dtype=False
    )


def test_nobody_is_new_twice(grown: Recurring) -> None:
    assert grown.movements.query("new != 0")["customer"].is_unique
