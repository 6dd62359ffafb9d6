"""What must hold of marketing and finance of any company, from spend to cash."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import REFERENCE_COMPANIES, TEST_COMPANIES, Published

MOVEMENTS = ["new", "expansion", "contraction", "churn", "reactivation"]
BUCKETS = ["days_0_30", "days_31_60", "days_61_90", "days_over_90"]
PERIOD = ["period_grain", "period_start", "dimension", "dimension_key"]
CENT = 0.005

pytestmark = pytest.mark.parametrize("name", [*reversed(TEST_COMPANIES), *REFERENCE_COMPANIES])


def numbers(published: Published, sql: str) -> pd.DataFrame:
    """Rows of the marts; exact numbers as floats."""
    rows = published.marts(sql)
    exact = rows.select_dtypes("object").map(lambda value: hasattr(value, "as_tuple")).any()
    return rows.astype(dict.fromkeys(exact.index[exact], float))


def cells(published: Published, metric: str, variant: str = "default") -> pd.DataFrame:
    """The numbers of a metric by period and cut."""
    rows = numbers(
        published,
        "select period_grain, coalesce(cast(period_start as varchar), '') as period_start, "
        "dimension, dimension_key, value, numerator, denominator, n_included, n_excluded "
        f"from marts.kpi_values where metric = '{metric}' and variant = '{variant}'",
    )
    numeric = ["value", "numerator", "denominator"]
    rows[numeric] = rows[numeric].astype(float)
    return rows.set_index(PERIOD)


def company_months(published: Published, metric: str, variant: str = "default") -> pd.DataFrame:
    """The company's months of a metric."""
    rows = cells(published, metric, variant).reset_index()
    rows = rows[(rows["period_grain"] == "month") & (rows["dimension"] == "company")]
    return rows.set_index(pd.to_datetime(rows["period_start"])).sort_index()


def where_known(amounts: pd.Series, states: pd.Series) -> pd.Series:
    """Amounts of the cells of which the state is known, or there is none."""
    return amounts[~amounts.index.isin(states.index[states.isna()])]


def assert_near(one: pd.Series, other: pd.Series) -> None:
    """That two series have the same keys with anything in them, and the same cents."""
    both = pd.concat([one.rename("one"), other.rename("other")], axis=1).astype(float).fillna(0)
    off = both[(both["one"] - both["other"]).abs() > CENT]
    assert off.empty, off.head(10)


def test_revenue_moves_from_each_opening_to_its_closing(published: Publish, name: str) -> None:
    moves = numbers(published(name), "select * from marts.fct_mrr_movements")
    moves = moves[moves["opening"].notna() & moves["closing"].notna()]
    moved = moves[["opening", *MOVEMENTS, "currency"]].sum(axis=1)
    assert_near(moved, moves["closing"])
    assert (moves[["contraction", "churn"]] <= 0).all(axis=None)
    assert (moves[["new", "expansion", "reactivation"]] >= 0).all(axis=None)
    assert ((moves[MOVEMENTS] != 0).sum(axis=1) <= 1).all()


def test_each_closing_is_the_next_opening(published: Publish, name: str) -> None:
    moves = numbers(published(name), "select * from marts.fct_mrr_movements")
    month = pd.to_datetime(moves["month_start"]).dt.to_period("M")
    opening, closing = (
        moves.assign(month=at).set_index(["customer_key", "month"])[side]
        for side, at in (("opening", month - 1), ("closing", month))
    )
    closing = closing[closing.index.get_level_values("month") < month.max()]
    opening = opening[opening.index.get_level_values("month") >= month.min()]
    assert_near(opening, closing)


def test_nobody_is_new_twice(published: Publish, name: str) -> None:
    new = published(name).marts(
        "select customer_key from marts.fct_mrr_movements where movement = 'new'"
    )
    assert not new["customer_key"].duplicated().any()


def test_customers_revenue_adds_up_to_the_companys(published: Publish, name: str) -> None:
    company = published(name)
    mrr = company_months(company, "mrr")["value"]
    for table, amount in (("fct_mrr_monthly", "mrr"), ("fct_mrr_movements", "closing")):
        rows = numbers(
            company,
            f"select month_start, sum({amount}) as amount from marts.{table} group by month_start",
        )
        assert_near(where_known(rows.set_index("month_start")["amount"], mrr), mrr)
    for metric, sign, movement in (("new_mrr", 1, "new"), ("churned_mrr", -1, "churn")):
        rows = numbers(
            company,
            f"select month_start, sum({movement}) as amount from marts.fct_mrr_movements "
            "group by month_start",
        )
        moved = sign * rows.set_index("month_start")["amount"].astype(float)
        assert_near(moved, company_months(company, metric)["value"])


def test_a_year_is_twelve_months(published: Publish, name: str) -> None:
    mrr, arr = (cells(published(name), metric)["value"] for metric in ("mrr", "arr"))
    assert_near(12 * mrr, arr)


def test_who_does_not_stay_is_gone(published: Publish, name: str) -> None:
    stayed, gone = (
        cells(published(name), metric) for metric in ("customer_retention_rate", "logo_churn_rate")
    )
    assert_near(stayed["numerator"] + gone["numerator"], stayed["denominator"])
    assert_near(1 - stayed["value"], gone["value"])


def test_what_is_kept_is_no_more_than_what_there_is(published: Publish, name: str) -> None:
    gross, net = (
        cells(published(name), metric)
        for metric in ("gross_revenue_retention", "net_revenue_retention")
    )
    assert_near(gross["denominator"], net["denominator"])
    assert (gross["numerator"] <= net["numerator"] + CENT).all()
    assert (gross["numerator"] <= gross["denominator"] + CENT).all()


def test_revenue_by_customer_is_all_of_it(published: Publish, name: str) -> None:
    company = published(name)
    mrr = cells(company, "mrr")["value"]
    of_customers = cells(company, "average_revenue_per_account")["numerator"]
    in_whole = of_customers.index.get_level_values("dimension") != "product"
    assert_near(
        where_known(of_customers[in_whole], mrr),
        mrr.drop(index="product", level="dimension", errors="ignore"),
    )


def test_cohorts_begin_with_their_new_customers(published: Publish, name: str) -> None:
    company = published(name)
    cohorts = numbers(company, "select * from marts.mart_retention_cohorts")
    first = cohorts[cohorts["months_since"] == 0].set_index("cohort_month")
    assert (first["customers"] == first["cohort_customers"]).all()
    assert (cohorts["customers"] <= cohorts["cohort_customers"]).all()
    began = company.marts(
        "select cohort_month, count(*) as customers from ("
        "  select customer_key, min(month_start) as cohort_month from marts.fct_mrr_movements"
        "  where movement in ('new', 'reactivation') group by customer_key"
        ") group by cohort_month"
        if set(cohorts["basis"]) <= {"subscriptions"}
        else "select cohort_month, count(*) as customers from ("
        "  select customer_key, cast(date_trunc('month', min(issued_on)) as date) as cohort_month"
        "  from marts.fct_invoices where standing <> 'does_not_count' and total_native > 0"
        "  group by customer_key"
        ") group by cohort_month"
    )
    assert_near(began.set_index("cohort_month")["customers"], first["customers"])


def test_cohorts_pay_what_the_company_earns(published: Publish, name: str) -> None:
    company = published(name)
    cohorts = numbers(
        company,
        "select month_start, sum(money) as money from marts.mart_retention_cohorts "
        "where basis = 'subscriptions' group by month_start",
    )
    paid = cohorts.set_index("month_start")["money"]
    if len(paid):
        mrr = company_months(company, "mrr")["value"]
        assert_near(where_known(paid, mrr), mrr)


def test_touches_share_their_deal_and_no_more(published: Publish, name: str) -> None:
    company = published(name)
    shares = numbers(
        company,
        "select model, opportunity_key, sum(weight) as weight, sum(shares.amount) as amount, "
        "max(deals.amount) as whole, max(case when is_won then 1 else 0 end) as won, "
        "count(*) as touches, min(weight) as least "
        "from marts.fct_attribution as shares "
        "inner join marts.fct_opportunities as deals using (opportunity_key) "
        "group by model, opportunity_key",
    )
    assert (shares["won"] == 1).all()
    assert ((shares["weight"] - 1).abs() < 1e-9).all()
    assert (shares["least"] >= 0).all()
    assert_near(shares["amount"], shares["whole"])
    assert shares.groupby("opportunity_key")["touches"].nunique().le(1).all()
    assert shares.groupby("opportunity_key")["model"].nunique().isin([0, 4]).all()


def test_sourced_pipeline_is_what_was_created(published: Publish, name: str) -> None:
    company = published(name)
    sourced, created = cells(company, "pipeline_sourced"), cells(company, "pipeline_created")
    created = created.drop("week", level="period_grain", errors="ignore")
    touched = cells(company, "pipeline_sourced", "marketing")
    own = sourced.index.get_level_values("dimension").isin(["channel", "campaign"])
    for column in ("value", "n_included", "n_excluded"):
        assert_near(sourced[column][~own], created[column])
        of_cut = sourced[own].groupby(["period_grain", "period_start", "dimension"])
        parts = of_cut[column].sum().unstack("dimension")
        of_company = sourced[sourced.index.get_level_values("dimension") == "company"]
        whole = of_company[column].droplevel(["dimension", "dimension_key"])
        for cut in parts:
            assert_near(parts[cut], whole.reindex(parts.index))
    assert (touched["value"] <= sourced["value"].reindex(touched.index) + CENT).all()


def test_what_is_owed_is_invoiced_and_neither_paid_nor_credited(
    published: Publish, name: str
) -> None:
    owed = numbers(
        published(name),
        "select * from marts.mart_receivables where exclusion_reason is null",
    )
    assert_near(owed["invoiced"] - owed["paid"] - owed["credited"], owed["receivable"])
    assert_near(owed[[*BUCKETS, "on_account"]].sum(axis=1), owed["receivable"])
    assert (owed[BUCKETS] >= 0).all(axis=None)
    assert (owed["on_account"] <= 0).all()
    assert (owed["not_due"] <= owed["days_0_30"]).all()


def test_invoices_and_payments_tell_the_same_as_customers(published: Publish, name: str) -> None:
    company = published(name)
    now = numbers(
        company,
        "select customer_key, invoiced, paid, credited from marts.mart_receivables "
        "where is_current and exclusion_reason is null",
    ).set_index("customer_key")
    invoiced = numbers(
        company,
        "select customer_key, sum(amount) as amount from marts.fct_invoices "
        "where standing <> 'does_not_count' group by customer_key",
    ).set_index("customer_key")
    known = invoiced["amount"][invoiced.index.isin(now.index)]
    assert_near(known, now["invoiced"])
    # Where no rate comes between: elsewhere an invoice is paid at the rate of its own day.
    paid = numbers(
        company,
        "select customer_key, sum(case kind when 'refund' then - amount else amount end) as amount "
        "from marts.fct_payments group by customer_key "
        "having bool_and(currency in (select currency from marts.fct_invoices where fx_rate = 1))",
    ).set_index("customer_key")
    of_one_currency = company.marts(
        "select customer_key from marts.fct_invoices group by customer_key "
        "having bool_and(fx_rate = 1)"
    )["customer_key"]
    known = paid["amount"][paid.index.isin(now.index) & paid.index.isin(of_one_currency)]
    assert_near(known, now["paid"].reindex(known.index))


def test_sales_are_outstanding_of_all_customers(published: Publish, name: str) -> None:
    company = published(name)
    owed = numbers(
        company,
        "select month_start, sum(receivable) as owed, sum(invoiced_90_days) as invoiced "
        "from marts.mart_receivables where exclusion_reason is null group by month_start",
    ).set_index("month_start")
    outstanding = company_months(company, "days_sales_outstanding")
    assert_near(90 * owed["owed"].astype(float), outstanding["numerator"])
    assert_near(owed["invoiced"], outstanding["denominator"])


def test_cash_is_payments_and_net_of_refunds(published: Publish, name: str) -> None:
    company = published(name)
    paid = numbers(
        company,
        "select kind, cast(date_trunc('month', occurred_on) as date) as month_start, "
        "sum(amount) as amount from marts.fct_payments "
        "where exclusion_reason is null group by kind, month_start",
    )
    by_kind = paid.pivot(index="month_start", columns="kind", values="amount").astype(float)
    by_kind = by_kind.reindex(columns=["payment", "refund"]).fillna(0)
    gross, net = (
        company_months(company, "cash_collected", variant)["value"]
        for variant in ("default", "net")
    )
    assert_near(by_kind["payment"], gross)
    assert_near(by_kind["payment"] - by_kind["refund"].abs(), net)


def test_everybody_becomes_a_customer_once(published: Publish, name: str) -> None:
    company = published(name)
    new = company.marts("select * from marts.fct_new_customers")
    assert not new["new_customer_key"].duplicated().any()
    assert not new["customer_key"].dropna().duplicated().any()
    assert not new["account_key"].dropna().duplicated().any()
    cost = cells(company, "customer_acquisition_cost")
    counted = cost[["n_included", "n_excluded"]].sum(axis=1)
    whole = counted[
        (counted.index.get_level_values("period_grain") == "all")
        & (counted.index.get_level_values("dimension") == "company")
    ]
    without_rate = company.marts(
        "select count(*) as n from marts.kpi_exclusions "
        "where metric = 'customer_acquisition_cost' and variant = 'default' and reason = 'no_rate'"
    )["n"].iloc[0]
    assert (whole.iloc[0] if len(whole) else 0) == len(new) + without_rate


def test_ad_spend_is_that_of_its_days(published: Publish, name: str) -> None:
    company = published(name)
    spent = numbers(
        company,
        "select cast(date_trunc('month', day) as date) as month_start, sum(spend) as spend "
        "from marts.fct_spend_daily group by month_start",
    )
    ads = company_months(company, "marketing_spend", "ads")["value"]
    assert_near(spent.set_index("month_start")["spend"], ads)
