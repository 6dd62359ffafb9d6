"""Named edge cases of marketing and finance, worked by hand: the README beside the company."""

from __future__ import annotations

import pytest

from tests.conftest import Publish
from tests.kpis.companies import Published


@pytest.fixture
def company(published: Publish) -> Published:
    return published("edge_cases")


def month(start: str) -> dict[str, str]:
    return {"period_grain": "month", "period_start": f"{start}-01"}


def members(company: Published, metric: str, entity: str, variant: str = "default") -> list[tuple]:
    """Month, numerator, denominator and reason of a record's members."""
    rows = company.warehouse(
        "select strftime(period_on, '%Y-%m') as month, cast(numerator as double) as numerator, "
        "cast(denominator as double) as denominator, exclusion_reason "
        f"from intermediate.{metric} where entity_id = ? and variant = ? order by period_on",
        [entity, variant],
    )
    rows = rows.astype(object).where(rows.notna(), None)
    return list(rows.itertuples(index=False, name=None))


def shares(company: Published, deal: str, model: str) -> list[float]:
    """The amounts that a deal's touches are credited with, in their order."""
    rows = company.marts(
        "select shares.amount from marts.fct_attribution as shares "
        "inner join marts.fct_opportunities as deals using (opportunity_key) "
        "where deals.opportunity_id = ? and model = ? order by touch_number",
        [deal, model],
    )
    return [float(amount) for amount in rows["amount"]]


def touches_of(company: Published, deal: str) -> list[str]:
    """The touches that count for a deal, in order."""
    rows = company.marts(
        "select touch_id from marts.fct_attribution "
        "inner join marts.fct_touches using (touch_key) "
        "inner join marts.fct_opportunities as deals "
        "on fct_attribution.opportunity_key = deals.opportunity_key "
        "where deals.opportunity_id = ? and model = 'linear' order by touch_number",
        [deal],
    )
    return list(rows["touch_id"])


def moved(company: Published, customer: str, at: str) -> tuple[str | None, list[float]]:
    """What happened to a customer's revenue in a month: opening, change, currency, closing."""
    rows = company.marts(
        "select movement, opening, new + expansion + contraction + churn + reactivation as change, "
        "currency, closing from marts.fct_mrr_movements "
        "inner join marts.dim_customer using (customer_key) "
        "where customer_id = ? and month_start = cast(? as date)",
        [customer, f"{at}-01"],
    )
    if rows.empty:
        return None, []
    row = rows.iloc[0]
    amounts = [float(row[name]) for name in ("opening", "change", "currency", "closing")]
    return row["movement"], amounts


@pytest.mark.parametrize(
    ("deal", "touches"),
    [
        ("ordinary_won_1", []),
        ("skipped_two_stages", ["at_the_win"]),
        ("bare_dates", ["on_the_bare_day_of_the_win"]),
        ("owner_left_while_open", ["by_its_lead_only"]),
        ("merge_survivor", ["of_the_lead_of_a_merged_deal", "of_a_merged_deal"]),
        ("deleted_after_winning", []),
        ("won_without_amount", []),
        ("won_for_nothing", ["of_a_deal_won_for_nothing"]),
        ("amount_changed_on_closing_day", ["same_second_10", "same_second_9"]),
    ],
)
def test_touches_of_a_won_deal(company: Published, deal: str, touches: list[str]) -> None:
    assert touches_of(company, deal) == touches


@pytest.mark.parametrize(
    ("model", "amounts"),
    [
        ("first", [12000, 0, 0]),
        ("last", [0, 0, 12000]),
        ("linear", [4000, 4000, 4000]),
        ("position", [4800, 2400, 4800]),
    ],
)
def test_three_touches(company: Published, model: str, amounts: list[float]) -> None:
    assert shares(company, "closed_a_second_before_midnight", model) == amounts


def test_two_touches_have_half_each(company: Published) -> None:
    deal = "amount_changed_on_closing_day"
    assert shares(company, deal, "position") == [13750, 13750]
    assert shares(company, deal, "first") == [27500, 0]


def test_forty_touches(company: Published) -> None:
    by_position = shares(company, "ordinary_won_6", "position")
    assert (len(by_position), by_position[0], by_position[-1]) == (40, 9000, 9000)
    assert {round(amount, 2) for amount in by_position[1:-1]} == {118.42, 118.43}
    assert sum(by_position) == pytest.approx(22500, abs=1e-6)
    assert shares(company, "ordinary_won_6", "linear") == [562.5] * 40


def test_pipeline_is_sourced_by_the_touch_before_its_creation(company: Published) -> None:
    sourced = company.warehouse(
        "select entity_id, channel from intermediate.pipeline_sourced where variant = 'marketing'"
    ).set_index("entity_id")["channel"]
    assert sourced["closed_at_midnight_in_tokyo"] == "social"
    assert sourced["ordinary_won_6"] == "paid search"
    assert "amount_changed_on_closing_day" not in sourced


@pytest.mark.parametrize(
    ("start", "spend"),
    [
        ("2025-06", 40),
        ("2025-11", -14.13),
        ("2026-01", 112.89),
        ("2026-02", 114.02),
    ],
)
def test_ad_spend(company: Published, start: str, spend: float) -> None:
    """40 of a campaign that nobody knows; -12.50, 100 and 101 EUR at 1.1302, 1.1289, 1.1289."""
    assert company.kpi("marketing_spend", "ads", **month(start)) == pytest.approx(spend, abs=0.005)


def test_what_costs_are_for(company: Published) -> None:
    """In April 2025 210 EUR at 1.0571 and 15,000 JPY at 157.84, Growth Marketing and an event."""
    ads = 221.99 + 95.03
    assert company.kpi("marketing_spend", "ads", **month("2025-04")) == pytest.approx(ads)
    spend = company.kpi("marketing_spend", **month("2025-04"))
    assert spend == pytest.approx(ads + 9000 + 3000, abs=0.005)
    functions = company.marts("select team, function from marts.fct_costs where team is not null")
    assert dict(zip(functions["team"], functions["function"], strict=True)) == {
        "Japan": "sales", "Europe": "sales", "Growth Marketing": "marketing",
        "Customer Success": "other", "Sales Operations": "sales", "Skunkworks": "sales",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("customer", "account", "rule", "confidence"),
    [
        ("cus_tama", "tama", "account_id", 1),
        ("matched_by_domain", "kita", "domain", 0.8),
        ("matched_by_email", "rowan", "email_domain", 0.5),
        ("with_an_unknown_account", "umeda", "domain", 0.8),
        ("with_a_free_mail_address", None, None, None),
        ("of_two_accounts_alike", None, None, None),
        ("customer_without_account", None, None, None),
    ],
)
def test_accounts_of_customers(
    company: Published, customer: str, account: str, rule: str, confidence: float
) -> None:
    rows = company.marts(
        "select accounts.account_id, match_rule, cast(match_confidence as double) as confidence "
        "from marts.dim_customer left join marts.dim_account as accounts using (account_key) "
        "where customer_id = ?",
        [customer],
    )
    found = rows.astype(object).where(rows.notna(), None).iloc[0]
    assert tuple(found) == (account, rule, confidence)


@pytest.mark.parametrize(
    ("customer", "at", "movement", "amounts"),
    [
        ("churned_in_its_first_month", "2025-10", None, []),
        ("up_and_down_in_a_month", "2025-11", None, [100, 0, 0, 100]),
        ("back_after_14_months", "2025-02", "new", [0, 200, 0, 200]),
        ("back_after_14_months", "2025-03", "churn", [200, -200, 0, 0]),
        ("back_after_14_months", "2025-04", None, []),
        ("back_after_14_months", "2026-05", "reactivation", [0, 250, 0, 250]),
        ("with_an_overlap", "2025-09", "expansion", [300, 320, 0, 620]),
        ("with_an_overlap", "2025-10", "contraction", [620, -300, 0, 320]),
        ("with_another_currency", "2025-12", "expansion", [227.04, 3.66, -0.70, 230]),
        ("matched_by_email", "2026-04", "contraction", [466.96, -292.87, 1.64, 175.73]),
        ("matched_by_domain", "2025-08", "new", [0, 295.12, 0, 295.12]),
        ("on_a_free_plan", "2025-08", None, []),
        ("on_a_free_plan", "2026-03", "new", [0, 60, 0, 60]),
        ("from_midnight_on", "2026-01", None, []),
        ("from_midnight_on", "2026-02", "new", [0, 80.26, 0, 80.26]),
        ("until_midnight", "2026-01", None, [75, 0, 0, 75]),
        ("until_midnight", "2026-02", "churn", [75, -75, 0, 0]),
        ("on_trial", "2026-05", None, []),
        ("of_unknown_status", "2026-02", None, []),
    ],
)
def test_movements_of_revenue(
    company: Published, customer: str, at: str, movement: str | None, amounts: list[float]
) -> None:
    """200 EUR are 227.04 at 1.1352, 226.34 at 1.1317; 400 are 466.96 at 1.1674, 468.60 at 1.1715.

    150 EUR are 175.73 at 1.1715, 70 are 80.26 at 1.1465; 45,000 JPY are 295.12 at 152.48.
    """
    told, found = moved(company, customer, at)
    assert (told or None) == movement
    assert found == pytest.approx(amounts, abs=1e-6)


def test_what_is_left_out_of_revenue_is_told(company: Published) -> None:
    rows = company.marts(
        "select distinct entity_id, reason from marts.kpi_exclusions where metric = 'mrr'"
    )
    assert dict(zip(rows["entity_id"], rows["reason"], strict=True)) == {
        "unknown_status": "unknown_status",
        "ended_without_date": "no_ended_at",
        "trial": "status_does_not_count",
    }


def test_a_year_that_twelve_does_not_divide(company: Published) -> None:
    assert members(company, "mrr", "yearly")[0] == ("2025-02", 83.33, None, None)
    assert members(company, "arr", "yearly")[0] == ("2025-02", 999.96, None, None)


def test_revenue_that_stayed_for_a_year(company: Published) -> None:
    """Of 200, 83.33 and 120 in February 2025; of 500, 83.33 and 120 in March."""
    assert company.kpi("mrr", **month("2025-02")) == pytest.approx(403.33)
    february = company.kpi("net_revenue_retention", **month("2026-02"))
    assert february == pytest.approx((0 + 83.33 + 150) / 403.33)
    gross = company.kpi("gross_revenue_retention", **month("2026-02"))
    assert gross == pytest.approx((0 + 83.33 + 120) / 403.33)
    march = company.kpi("net_revenue_retention", **month("2026-03"))
    assert march == pytest.approx((500 + 83.33 + 150) / 703.33)


def test_customers_that_stayed(company: Published) -> None:
    """One of three leaves in March 2025; of 14 that paid as the year ended, two have left."""
    assert company.kpi("customer_retention_rate", **month("2025-03")) == pytest.approx(2 / 3)
    year = {"period_grain": "year", "period_start": "2026-02-01"}
    assert company.kpi("customer_retention_rate", **year) == pytest.approx(12 / 14)
    assert company.kpi("logo_churn_rate", **year) == pytest.approx(2 / 14)


def test_a_customer_of_two_plans_counts_by_the_first_of_equals(company: Published) -> None:
    rows = company.marts("select plan from marts.dim_customer where customer_id = 'nagano_works'")
    assert list(rows["plan"]) == ["basic"]


@pytest.mark.parametrize(
    ("start", "cash", "net"),
    [
        ("2025-07", 26400, 26400 - 1088.60),
        ("2025-09", 1100, 1100),
        ("2025-11", 1100, 0),
        ("2025-12", 377.23, 177.23),
        ("2026-01", 150 + 118 + 10160.10, 150 + 118 + 10160.10),
        ("2026-02", 376.31, 376.31),
    ],
)
def test_cash(company: Published, start: str, cash: float, net: float) -> None:
    """333.33 EUR at 1.1317, 9,000 and 333.34 at 1.1289, 1,000 paid back at 1.0886."""
    assert company.kpi("cash_collected", **month(start)) == pytest.approx(cash, abs=0.005)
    assert company.kpi("cash_collected", "net", **month(start)) == pytest.approx(net, abs=0.005)


@pytest.mark.parametrize(
    ("invoice", "standing", "owed"),
    [
        ("refunded_later", "counts", 0),
        ("paid_in_parts", "counts", 0),
        ("overpaid", "counts", -50),
        ("credited_over_what_is_open", "counts", 0),
        ("of_unknown_word", "counts", 250),
        ("written_off", "written_off", 0),
        ("void_after_payment", "does_not_count", None),
        ("draft", "does_not_count", None),
    ],
)
def test_what_is_open_of_an_invoice(
    company: Published, invoice: str, standing: str, owed: float | None
) -> None:
    rows = company.marts(
        "select standing, cast(receivable as double) as receivable from marts.fct_invoices "
        "where invoice_id = ?",
        [invoice],
    )
    found = rows.astype(object).where(rows.notna(), None).iloc[0]
    assert tuple(found) == (standing, owed)


@pytest.mark.parametrize(
    ("customer", "at", "owed", "on_account"),
    [
        ("matched_by_domain", "2025-09", 0, 0),
        ("matched_by_domain", "2025-11", 0, 0),
        ("nagano_office", "2025-11", -400, -400),
        ("nagano_works", "2025-11", 300, 0),
        ("nagano_works", "2025-12", 0, 0),
        ("with_an_unknown_account", "2025-12", 250, -50),
        ("with_an_unknown_account", "2026-02", 100, -200),
        ("with_a_free_mail_address", "2025-10", 0, 0),
    ],
)
def test_what_a_customer_owes(
    company: Published, customer: str, at: str, owed: float, on_account: float
) -> None:
    rows = company.marts(
        "select cast(receivable as double) as receivable, cast(on_account as double) as on_account "
        "from marts.mart_receivables inner join marts.dim_customer using (customer_key) "
        "where customer_id = ? and month_start = cast(? as date)",
        [customer, f"{at}-01"],
    )
    assert tuple(rows.iloc[0]) == pytest.approx((owed, on_account))


def test_ninety_days_before_the_year_ends(company: Published) -> None:
    rows = company.marts(
        "select cast(invoiced_90_days as double) as invoiced from marts.mart_receivables "
        "inner join marts.dim_customer using (customer_key) "
        "where customer_id = 'with_an_unknown_account' and month_start = date '2025-12-01'"
    )
    assert list(rows["invoiced"]) == [300]


@pytest.mark.parametrize(
    ("deal", "at", "share"),
    [
        ("ordinary_won_2", "2025-04", 1),
        ("merge_survivor", "2025-11", 1),
        ("ordinary_won_5", "2026-02", 13000 / 14800),
        ("stage_renamed", "2025-09", 1),
        ("amount_changed_on_closing_day", "2025-09", 0),
    ],
)
def test_how_much_of_a_deal_is_billed(company: Published, deal: str, at: str, share: float) -> None:
    [(told, billed, won, reason)] = members(company, "bookings_to_billings", deal)
    assert (told, reason) == (at, None)
    assert billed / won == pytest.approx(share, abs=1e-5)


def test_a_young_deal_is_not_due(company: Published) -> None:
    [(_, _, _, reason)] = members(company, "bookings_to_billings", "ordinary_won_6")
    assert reason == "not_due"


def test_who_became_a_customer_when_and_by_what(company: Published) -> None:
    rows = company.marts(
        "select coalesce(account_id, customer_id) as id, "
        "strftime(became_customer_on, '%Y-%m') as month, became_customer_by as how "
        "from marts.fct_new_customers"
    )
    found = {row.id: (row.month, row.how) for row in rows.itertuples()}
    subscription, deal, invoice = "subscription", "won_deal", "paid_invoice"
    assert found == {
        "delta": ("2025-02", subscription), "brenner": ("2025-02", subscription),
        "customer_without_account": ("2025-02", subscription), "tama": ("2025-03", subscription),
        "kita": ("2025-04", deal), "alder": ("2025-04", deal), "grove": ("2025-05", deal),
        "nagano": ("2025-06", subscription), "sato": ("2025-06", deal),
        "hazel": ("2025-06", subscription), "cedar": ("2025-07", subscription),
        "fjord": ("2025-07", subscription), "juniper": ("2025-07", deal),
        "yamato": ("2025-07", deal), "pine": ("2025-07", deal), "mori": ("2025-08", subscription),
        "rowan": ("2025-09", subscription), "elm": ("2025-10", subscription),
        "osaka": ("2025-10", deal), "umeda": ("2025-10", invoice), "ivy": ("2025-10", deal),
        "quince": ("2026-03", subscription),
    }  # fmt: skip
