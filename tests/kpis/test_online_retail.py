"""A shop of which all is invoices: its cash and what it owes, recomputed from the raw file."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import REFERENCE_COMPANIES

EXPORTS = REFERENCE_COMPANIES["online_retail"].exports


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """Lines of known customers, with their amount in pounds."""
    file = EXPORTS / "online_retail_2009_2010.csv.gz"
    if not file.exists():
        pytest.skip(f"the exports of online_retail are not on this machine: {EXPORTS}")
    rows = pd.read_csv(file, dtype={"Invoice": str}, parse_dates=["InvoiceDate"])
    rows = rows[rows["Customer ID"].notna()]
    return rows.assign(
        customer=rows["Customer ID"].astype(int).astype(str),
        month=rows["InvoiceDate"].dt.to_period("M").dt.start_time,
        amount=rows["Quantity"] * rows["Price"],
        is_credit=rows["Invoice"].str.startswith("C"),
    )


def documents(lines: pd.DataFrame) -> pd.DataFrame:
    """What each invoice or credit comes to, in cents, with its customer and month."""
    by_document = lines.groupby("Invoice").agg(
        customer=("customer", "first"), month=("month", "min"), amount=("amount", "sum")
    )
    return by_document.assign(cents=(by_document["amount"] * 100).round().astype(int))


def orders(lines: pd.DataFrame) -> pd.DataFrame:
    """Invoices of what was sold at a price."""
    sold = ~lines["is_credit"] & (lines["Quantity"] > 0) & (lines["Price"] > 0)
    return documents(lines[sold])


def test_cash_of_a_month_is_what_was_ordered_in_it(published: Publish, lines: pd.DataFrame) -> None:
    rows = published("online_retail").marts(
        "select period_start, numerator, n_included from marts.kpi_values "
        "where metric = 'cash_collected' and variant = 'default' and period_grain = 'month' "
        "and dimension = 'company' order by 1"
    )
    expected = orders(lines).query("cents != 0").groupby("month")["cents"].agg(["sum", "size"])
    assert (rows["numerator"].astype(float) * 100).round().tolist() == expected["sum"].tolist()
    assert rows["n_included"].tolist() == expected["size"].tolist()


def test_credits_that_name_no_invoice_are_on_the_customers_account(
    published: Publish, lines: pd.DataFrame
) -> None:
    rows = published("online_retail").marts(
        "select customer_id, month_start, invoiced, paid, credited, receivable, on_account "
        "from marts.mart_receivables inner join marts.dim_customer using (customer_key) "
        "where is_current or month_start = date '2010-05-01'"
    )
    for month, found in rows.groupby("month_start"):
        found = found.set_index("customer_id").astype({"invoiced": float, "credited": float})
        for column, given in (
            ("invoiced", orders(lines)),
            ("credited", documents(lines[lines["is_credit"]])),
        ):
            until = given[given["month"] <= month].groupby("customer")["cents"].sum().abs()
            cents = (found[column] * 100).round()
            assert cents[cents != 0].to_dict() == until[until != 0].to_dict()
        assert (found["paid"].astype(float) == found["invoiced"]).all()
        assert (found["receivable"].astype(float) == -found["credited"]).all()
        assert (found["on_account"] == found["receivable"]).all()
