"""The truth of invoices and cash, worked by hand: payments, credits, refunds, what was billed."""

from __future__ import annotations

from datetime import datetime

from tests.truth.cash import Invoices
from tests.truth.little_business import LittleBusiness
from tests.truth.little_world import moment


def receivable(business: LittleBusiness, at: str) -> float:
    """What all customers owe at a moment, in dollars."""
    return float(Invoices(business.history()).balances(moment(at))["receivable"].sum()) / 100


def billed(until: str = "2023-06-01") -> tuple[LittleBusiness, int]:
    """A company with one invoice of 100 dollars, of the tenth of January."""
    business = LittleBusiness(until)
    return business, business.bill(business.customer("2023-01-01"), "2023-01-10", 100, tax=20)


def test_partial_payments_lower_what_is_owed() -> None:
    business, invoice = billed()
    business.pay(invoice, "2023-02-10", 30)
    business.pay(invoice, "2023-03-10", 70)
    moments = ("2023-01-09", "2023-01-10", "2023-02-10", "2023-03-10")
    assert [receivable(business, at) for at in moments] == [0, 100, 70, 0]
    assert business.values("cash_collected") == {"2023-02": 30, "2023-03": 70}


def test_who_paid_too_much_is_owed_the_rest() -> None:
    business, invoice = billed()
    business.pay(invoice, "2023-02-10", 120)
    assert receivable(business, "2023-03-01") == -20


def test_a_credit_first_lowers_what_is_open_and_pays_back_the_rest() -> None:
    business, invoice = billed()
    business.pay(invoice, "2023-02-10", 60)
    business.credit(invoice, "2023-03-10", 50)
    assert receivable(business, "2023-03-09") == 40
    assert receivable(business, "2023-03-10") == 0
    assert business.values("cash_collected") == {"2023-02": 60}
    assert business.values("cash_collected", "net") == {"2023-02": 60, "2023-03": -10}


def test_a_refund_after_its_payments_period_is_of_its_own() -> None:
    business, invoice = billed()
    business.pay(invoice, "2023-02-10", 100)
    business.credit(invoice, "2023-04-10", 25)
    assert receivable(business, "2023-05-01") == 0
    assert business.values("cash_collected", "net") == {"2023-02": 100, "2023-04": -25}


def test_a_second_credit_takes_what_the_first_one_left() -> None:
    business, invoice = billed()
    business.credit(invoice, "2023-03-10", 70)
    business.credit(invoice, "2023-02-10", 80)
    assert Invoices(business.history()).credits["refund"].tolist() == [0, 5_000]
    business.pay(invoice, "2023-04-10", 20)
    assert receivable(business, "2023-05-01") == -20


def test_an_invoice_that_is_void_now_never_was_and_its_payment_is_on_account() -> None:
    business, invoice = billed()
    business.bill(business.customer("2023-01-01"), "2023-01-20", 300)
    business.pay(invoice, "2023-02-10", 100)
    business.credit(invoice, "2023-02-20", 10)
    business.void(invoice, "2023-05-10")
    assert [receivable(business, at) for at in ("2023-02-01", "2023-02-10")] == [300, 200]
    assert business.values("cash_collected") == {"2023-02": 100}
    assert business.values("cash_collected", "net") == {"2023-02": 100}
    assert business.values("days_sales_outstanding")["2023-02"] == 60


def test_a_refund_that_failed_never_was_but_was_one_until_then() -> None:
    business, invoice = billed()
    business.pay(invoice, "2023-02-10", 100)
    business.credit(invoice, "2023-04-10", 25)
    until_then = datetime(2023, 4, 15)
    business.change("credit_notes", 0, "2023-04-20", "is_deleted", 1)
    assert business.values("cash_collected", "net") == {"2023-02": 100}
    assert business.values("cash_collected", "net", as_of=until_then)["2023-04"] == -25
    assert receivable(business, "2023-05-01") == 0


def test_a_credit_that_was_deleted_is_owed_again() -> None:
    business, invoice = billed()
    business.credit(invoice, "2023-02-10", 70)
    business.credit(invoice, "2023-02-11", 50)
    assert receivable(business, "2023-03-01") == 0
    business.change("credit_notes", 0, "2023-03-02", "is_deleted", 1)
    assert receivable(business, "2023-05-01") == 50
    assert Invoices(business.history()).credits["refund"].tolist() == [0]


def test_an_invoice_that_is_void_after_a_part_was_paid_leaves_that_on_account() -> None:
    business, invoice = billed()
    business.pay(invoice, "2023-02-10", 30)
    business.pay(business.bill(0, "2023-02-01", 50), "2023-03-01", 20)
    business.void(invoice, "2023-03-10")
    moments = ("2023-02-09", "2023-02-10", "2023-03-02")
    assert [receivable(business, at) for at in moments] == [50, 20, 0]
    assert business.values("cash_collected") == {"2023-02": 30, "2023-03": 20}


def test_days_outstanding_set_what_is_open_against_ninety_days_of_invoices() -> None:
    business, invoice = billed("2023-05-15")
    business.bill(business.customer("2023-01-01"), "2023-03-20", 300)
    business.pay(invoice, "2023-03-10", 40)
    assert business.values("days_sales_outstanding") == {
        "2023-01": 90, "2023-02": 90, "2023-03": round(90 * 360 / 400, 6),
        "2023-04": round(90 * 360 / 300, 6), "2023-05": round(90 * 360 / 300, 6),
    }  # fmt: skip


def test_what_was_won_is_billed_within_sixty_days_and_no_more_than_won() -> None:
    business = LittleBusiness("2023-09-01")
    customers = [business.customer("2023-01-01") for _ in range(4)]
    deals = [
        business.sell(int(business.state["customers"]["account_id"][customer]), closed, 100)
        for customer, closed in zip(
            customers,
            ("2023-02-01 10:00", "2023-02-02 10:00", "2023-02-03 10:00", "2023-08-01 10:00"),
            strict=True,
        )
    ]
    business.bill(customers[0], "2023-01-20", 60, tax=10, deal=deals[0])
    business.credit(
        business.bill(customers[0], "2023-04-02 10:00", 50, deal=deals[0]), "2023-04-02 09:59", 20
    )
    business.bill(customers[0], "2023-04-02 10:01", 500, deal=deals[0])
    business.bill(customers[1], "2023-02-10", 900, deal=deals[1])
    business.bill(customers[3], "2023-08-02", 100, deal=deals[3])
    february = business.numbers("bookings_to_billings").loc[("2023-02", "all")]
    assert (february["numerator"], february["denominator"]) == (80 + 100, 300)
    august = business.numbers("bookings_to_billings").loc[("2023-08", "all")]
    assert (august["n_included"], august["n_excluded"]) == (0, 1)
    first = business.numbers("bookings_to_billings", "first_invoice").loc[("2023-02", "all")]
    assert (first["numerator"], first["denominator"]) == (2, 3)


def test_without_an_invoice_of_any_deal_nothing_is_known_of_billing() -> None:
    business, _ = billed()
    business.sell(business.account(), "2023-02-01 10:00")
    cell = business.numbers("bookings_to_billings").loc[("2023-02", "all")]
    assert (cell["n_included"], cell["n_excluded"]) == (0, 1)
