"""The truth of who is a new customer, through which channel, worked by hand."""

from __future__ import annotations

from ingestion.sandbox.world.calendar import to_datetime
from ingestion.sandbox.world.schema import CHANNELS, COST_TEAMS, NONE
from tests.truth.customers import Customers
from tests.truth.little_business import LittleBusiness


def channel(business: LittleBusiness, account: int) -> str:
    """The channel that an account came through."""
    code = Customers(business.history()).channels["channel"].get(account, NONE)
    return "(none)" if code == NONE else CHANNELS[code]


def since(business: LittleBusiness) -> list[str]:
    """The days on which customers became such."""
    return [f"{to_datetime(at):%Y-%m-%d}" for at in Customers(business.history()).new["at"]]


def test_the_first_touch_up_to_the_first_win_says_the_channel() -> None:
    business = LittleBusiness("2023-06-01")
    account = business.account()
    business.sell(account, "2023-03-01 10:00")
    lead = business.lead("2023-02-01", "Content", account=account)
    business.touch("2023-01-20", "Webinar", lead=lead)
    business.touch("2023-02-10", "Referral", deal=0)
    assert channel(business, account) == "Webinar"


def test_a_touch_after_the_win_says_nothing_where_a_lead_does() -> None:
    business = LittleBusiness("2023-06-01")
    account = business.account()
    deal = business.sell(account, "2023-03-01 10:00")
    business.touch("2023-03-01 10:01", "Webinar", deal=deal)
    assert channel(business, account) == "(none)"
    business.lead("2023-04-01", "Content", deal=deal)
    assert channel(business, account) == "Content"


def test_the_campaign_of_a_won_deal_says_its_channel() -> None:
    business = LittleBusiness("2023-06-01")
    account, campaign = business.account(), business.campaign("Event")
    business.sell(account, "2023-02-01 10:00")
    business.sell(account, "2023-03-01 10:00", campaign=campaign)
    assert channel(business, account) == "Event"
    found = Customers(business.history()).channels.loc[account]
    assert found["campaign"] == campaign


def test_touches_of_a_merged_deal_are_of_the_one_that_it_lives_on_in() -> None:
    business = LittleBusiness("2023-06-01")
    account = business.account()
    merged, survivor = (business.sell(account, "2023-03-01 10:00") for _ in range(2))
    business.change("opportunities", merged, "2023-03-02", "merged_into_id", survivor)
    business.touch("2023-02-01", "Referral", lead=business.lead("2023-02-01", "Event", deal=merged))
    assert channel(business, account) == "Referral"


def test_the_earliest_of_invoice_subscription_and_deal_makes_a_customer() -> None:
    business = LittleBusiness("2023-06-01")
    payer, subscriber, buyer = (business.customer("2023-01-01") for _ in range(3))
    business.pay(business.bill(payer, "2023-01-10", 100), "2023-02-10", 10)
    business.subscribe(payer, "2023-02-11", 100)
    business.subscribe(subscriber, "2023-02-20", 0)
    business.subscribe(subscriber, "2023-03-20", 10)
    account = int(business.state["customers"]["account_id"][buyer])
    business.sell(account, "2023-04-10 10:00")
    business.subscribe(buyer, "2023-04-15", 100)
    business.sell(business.account(), "2023-05-10 10:00")
    assert since(business) == ["2023-02-10", "2023-03-20", "2023-04-10", "2023-05-10"]


def test_a_void_invoice_makes_no_customer_and_customers_of_one_account_are_one() -> None:
    business = LittleBusiness("2023-06-01")
    account = business.account()
    first, second = (business.customer("2023-01-01", account) for _ in range(2))
    invoice = business.bill(first, "2023-01-10", 100)
    business.pay(invoice, "2023-02-10", 100)
    business.void(invoice, "2023-02-11")
    business.subscribe(second, "2023-03-10", 100)
    business.subscribe(first, "2023-04-10", 100)
    assert since(business) == ["2023-03-10"]


def test_costs_that_lag_count_three_months_later_as_far_as_these_have_begun() -> None:
    business = LittleBusiness("2023-06-15")
    for month in ("2023-01-01", "2023-04-01"):
        business.cost(month, COST_TEAMS.index("Sales"), 100)
        business.cost(month, COST_TEAMS.index("Customer Success"), 1_000)
    business.spend(business.campaign("Event"), "2023-02-28", 50)
    business.subscribe(business.customer("2023-05-01"), "2023-05-01", 10)
    cost = "customer_acquisition_cost"
    spent = {
        variant: business.numbers(cost, variant)["numerator"].droplevel(1).to_dict()
        for variant in ("default", "ads", "lagged")
    }
    assert spent == {
        "default": {"2023-01": 100, "2023-02": 50, "2023-04": 100, "2023-05": 0},
        "ads": {"2023-02": 50, "2023-05": 0},
        "lagged": {"2023-04": 100, "2023-05": 50},
    }
    assert business.values(cost, "lagged") == {"2023-04": None, "2023-05": 50}


def test_pipeline_is_sourced_by_touches_up_to_creation() -> None:
    business = LittleBusiness("2023-06-01")
    touched, late, never = (business.deal("2023-02-01 09:00", "2023-07-01") for _ in range(3))
    business.touch("2023-02-01 09:00", "Event", deal=touched)
    business.touch("2023-01-15", "Content", lead=business.lead("2023-01-15", "Event", deal=touched))
    business.touch("2023-02-01 09:01", "Event", deal=late)
    by_channel = business.numbers("pipeline_sourced", cut="channel")["value"].to_dict()
    assert by_channel == {("2023-02", "(none)"): 200, ("2023-02", "Content"): 100}
    assert business.values("pipeline_sourced", "marketing") == {"2023-02": 100}
    assert {touched, late, never} == {0, 1, 2}


def test_customers_earn_what_they_cost_by_their_margin() -> None:
    business = LittleBusiness("2023-06-15")
    business.cost("2023-05-01", COST_TEAMS.index("Sales"), 1_200)
    for _ in range(2):
        business.subscribe(business.customer("2023-05-01"), "2023-05-02", 100)
    business.sell(business.account(), "2023-06-10 10:00")
    payback = "cac_payback_months"
    assert business.values(payback, gross_margin=0.8) == {"2023-05": 7.5, "2023-06": None}
    assert business.values(payback) == {"2023-05": None, "2023-06": None}
    cell = business.numbers(payback, grain="all").loc[("all", "all")]
    assert (cell["n_included"], cell["n_excluded"]) == (0, 3)


def test_who_came_before_any_cost_is_known_cost_something_unknown() -> None:
    business = LittleBusiness("2023-06-15")
    business.cost("2023-03-01", COST_TEAMS.index("Sales"), 1_200)
    for started in ("2023-02-28", "2023-03-01", "2023-06-02"):
        business.subscribe(business.customer(started), started, 100)
    cost = business.numbers("customer_acquisition_cost", grain="all").loc[("all", "all")]
    assert (cost["value"], cost["n_included"], cost["n_excluded"]) == (600, 2, 1)
    lagged = business.numbers("customer_acquisition_cost", "lagged", "all").loc[("all", "all")]
    assert (lagged["value"], lagged["n_included"], lagged["n_excluded"]) == (1_200, 1, 2)
    assert business.values("cac_payback_months", grain="all", gross_margin=0.5) == {"all": 12}


def test_a_cost_without_a_team_is_marketing_s_by_its_category_else_an_acquisition_s() -> None:
    business = LittleBusiness("2023-06-15")
    sales, marketing, _ = range(len(COST_TEAMS))
    for team, category, amount in (
        (NONE, "events", 1), (NONE, "agency", 20), (NONE, "tools", 300),
        (marketing, "tools", 4_000), (sales, "events", 50_000),
    ):  # fmt: skip
        business.cost("2023-05-01", team, amount, category)
    spent = business.numbers("marketing_spend").loc[("2023-05", "all")]
    assert (spent["value"], spent["n_included"], spent["n_excluded"]) == (4_021, 3, 1)
    acquired = business.numbers("customer_acquisition_cost")["numerator"].to_dict()
    assert acquired == {("2023-05", "all"): 54_321}
