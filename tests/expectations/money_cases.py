"""For every check of the facts of money, a row that breaks it and one that just does not."""

from __future__ import annotations

from dataclasses import dataclass

from tests.expectations.cases import Case, Values

MONEY = "decimal(38, 6)"


@dataclass(frozen=True)
class Facts:
    """The columns of a table that its checks read, a row that breaks none, and their cases.

    The first two columns tell which rows failed; the row of a case has its name in `told_by`.
    """

    told_by: str
    columns: dict[str, str]
    base: Values
    cases: dict[str, Case]


def _facts(told_by: str, amount: str, **columns: str) -> Facts:
    return Facts(
        told_by,
        {"source_instance": "varchar", told_by: "varchar", amount: MONEY, **columns},
        {"source_instance": "crm", amount: 9},
        {"rate_missing": Case({amount: None}, {amount: 0})},
    )


FACTS: dict[str, Facts] = {
    "fct_spend_daily": _facts("spend_day_id", "spend"),
    "fct_costs": _facts("cost_id", "amount"),
    "fct_payments": Facts(
        "payment_id",
        {
            "source_instance": "varchar",
            "payment_id": "varchar",
            "amount": MONEY,
            "occurred_at": "timestamp",
        },
        {"source_instance": "crm", "amount": 9, "occurred_at": "2026-01-01"},
        {"rate_missing": Case({"amount": None}, {"amount": None, "occurred_at": None})},
    ),
    "fct_invoices": Facts(
        "invoice_id",
        {
            "source_instance": "varchar",
            "invoice_id": "varchar",
            "standing": "varchar",
            **dict.fromkeys(("amount", "paid", "credited", "receivable"), MONEY),
        },
        {
            "source_instance": "crm",
            "standing": "counts",
            "amount": 10,
            "paid": 4,
            "credited": 1,
            "receivable": 5,
        },
        {
            "rate_missing": Case(
                {"standing": "written_off", "amount": None},
                {"standing": "does_not_count", "amount": None},
            ),
            "receivable_not_what_is_left": Case({"receivable": 5.01}, {"receivable": None}),
        },
    ),
    "fct_mrr_movements": Facts(
        "customer_key",
        {
            "customer_key": "varchar",
            "month_start": "date",
            "ends_on": "date",
            **dict.fromkeys(
                (
                    "opening",
                    "new",
                    "expansion",
                    "contraction",
                    "churn",
                    "reactivation",
                    "currency",
                    "closing",
                ),
                MONEY,
            ),
        },
        {
            "month_start": "2026-06-01",
            "ends_on": "2026-06-15",
            "opening": 100,
            "new": 1,
            "expansion": 2,
            "contraction": -3,
            "churn": -4,
            "reactivation": 5,
            "currency": 0.01,
            "closing": 101.01,
        },
        {
            "rate_missing": Case({"closing": None}, {"closing": None, "ends_on": "2026-05-31"}),
            "movements_not_the_difference": Case({"closing": 101}, {"currency": None}),
        },
    ),
}
"""The facts by table."""
