"""Named traps of bills and payments, worked by hand, from Stripe's answers to canonical rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import documents as d
from books import Script


def asked(script: Script, path: str) -> list[str]:
    """The queries of the requests of a path since the last `clear`."""
    return [query for found, query in script.stripe.requests if found == path]


def billed(script: Script, id: str = "in_1", amount: int = 1_000, **told: object) -> d.Document:
    """An open invoice of `cus_1`, issued now."""
    at = script.as_of.isoformat()
    line = d.line(f"il_{id}", amount, at, at)
    script.stripe.create(d.invoice(id, "cus_1", [line], finalized_at=at, **told))
    return script.stripe.found(id)


def paid(script: Script, invoice: d.Document, amount: int, id: str = "inpay_1") -> None:
    """A charge pays some of an invoice now."""
    at = script.as_of.isoformat()
    payment = d.invoice_payment(
        id, invoice["id"], amount, at, currency=invoice["currency"], created=script.stripe.now
    )
    charge = d.charge(f"ch_{id}", invoice["customer"], amount, currency=invoice["currency"])
    script.stripe.create(charge, event="succeeded")
    script.stripe.create(payment, event="paid")
    rest = invoice["amount_remaining"] - amount
    told = {
        "amount_paid": invoice["amount_paid"] + amount, "amount_remaining": rest,
        "status": "open" if rest else "paid",
    }  # fmt: skip
    if not rest:
        moments = {**invoice["status_transitions"], "paid_at": script.stripe.now}
        told["status_transitions"] = moments
    script.stripe.update(invoice["id"], "updated" if rest else "paid", **told)


def test_a_draft_finalised_later(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    line = d.line("il_1", 1_000, "2024-01-01", "2024-02-01")
    script.stripe.create(d.invoice("in_1", "cus_1", [line], status="draft"))
    draft = script.stripe.found("in_1")
    script.stripe.at("2024-01-01 01:00")
    script.sync()
    assert script.raw("invoices")["in_1"]["status"] == "draft"
    assert script.staged("invoices") == script.staged("invoice_lines") == {}
    script.stripe.at("2024-01-20 09:30")
    # While it is a draft its lines can still become others.
    draft["lines"]["data"].append({**d.line("il_2", 500, "2024-01-20", "2024-01-20")})
    script.stripe.update(
        "in_1", "finalized", status="open", total=1_500, subtotal=1_500, amount_due=1_500,
        status_transitions={**draft["status_transitions"], "finalized_at": script.stripe.now},
    )  # fmt: skip
    script.stripe.at("2024-01-21")
    script.stripe.requests.clear()
    script.sync()
    [issued] = script.staged("invoices").values()
    assert (issued["issued_at"], issued["total"]) == (dt.datetime(2024, 1, 20, 9, 30), 15)
    lines = script.staged("invoice_lines")
    assert {id: row["amount"] for id, row in lines.items()} == {"il_1": 10, "il_2": 5}
    assert asked(script, "/v1/invoices/in_1")
    assert not asked(script, "/v1/invoices")


def test_an_invoice_of_120_lines(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    lines = [d.line(f"il_{n:03}", n, "2024-01-01", "2024-02-01") for n in range(1, 121)]
    script.stripe.create(d.invoice("in_1", "cus_1", lines, finalized_at="2024-01-01"))
    script.stripe.at("2024-01-02")
    script.sync()
    staged = script.staged("invoice_lines")
    assert sorted(staged) == [f"il_{n:03}" for n in range(1, 121)]
    assert sum(row["amount"] for row in staged.values()) == Decimal("72.60")
    assert script.staged("invoices")["in_1"]["total"] == Decimal("72.60")
    # In an increment, too; and a line that is no more on the invoice is none of it.
    script.stripe.found("in_1")["lines"]["data"].pop()
    script.stripe.update("in_1", total=7_140, subtotal=7_140)
    script.stripe.at("2024-01-03")
    script.sync()
    assert sorted(script.staged("invoice_lines")) == [f"il_{n:03}" for n in range(1, 120)]


def test_lines_come_to_their_invoice_after_discounts_and_credits(script: Script) -> None:
    """Ten a month less a tenth, and an upgrade amid the last one: 9 - 4.50 + 9 = 13.50 + tax."""
    basic = d.price("price_1", 1_000)
    script.stripe.create(d.customer("cus_1"), basic)

    def line(id: str, amount: int, taken_off: int, **told: object) -> d.Document:
        taken = [{"amount": taken_off, "discount": "di_1"}]
        return d.line(id, amount, "2024-01-01", "2024-02-01", of=basic, subscription="sub_1",
                      item="si_1", discount_amounts=taken, **told)  # fmt: skip

    lines = [
        line("il_1", 1_000, 100), line("il_2", 1_000, 100, is_proration=True),
        line("il_3", -500, -50, quantity=2, is_proration=True, credited=True),
    ]  # fmt: skip
    script.stripe.create(d.invoice("in_1", "cus_1", lines, tax=135, total=1_485))
    script.sync()
    staged = script.staged("invoice_lines")
    found = {id: (row["quantity"], row["amount"]) for id, row in staged.items()}
    assert found == {"il_1": (1, 9), "il_2": (1, 9), "il_3": (-2, Decimal("-4.5"))}
    [invoice] = script.staged("invoices").values()
    assert sum(row["amount"] for row in staged.values()) + invoice["tax"] == invoice["total"]


def test_a_gap_of_31_days_between_loads(script: Script) -> None:
    script.stripe.create(*(d.customer(f"cus_{n}") for n in range(1, 6)))
    invoice = billed(script)
    script.stripe.at("2024-01-02")
    script.sync()
    script.stripe.at("2024-01-02 12:00")
    paid(script, invoice, 1_000)
    script.stripe.delete("cus_5")
    script.stripe.create(d.customer("cus_6"))
    # Nobody tells of all that any more: Stripe keeps events of 30 days.
    script.stripe.at("2024-02-02 18:00")
    script.stripe.requests.clear()
    report = script.sync()
    assert asked(script, "/v1/invoices")
    assert [it for it in report.warnings if "30 days" in it], report.warnings
    [staged] = script.staged("invoices").values()
    assert (staged["status"], staged["paid_at"]) == ("paid", dt.datetime(2024, 1, 2, 12))
    assert sorted(script.staged("customers")) == [f"cus_{n}" for n in (1, 2, 3, 4, 6)]
    assert [row["amount"] for row in script.staged("payments").values()] == [10]
    script.stripe.at("2024-02-03")
    script.stripe.requests.clear()
    report = script.sync()
    assert not asked(script, "/v1/invoices")
    assert not report.warnings


def test_a_customer_deleted_after_it_was_read(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"), d.customer("cus_2"))
    billed(script)
    script.stripe.at("2024-01-02")
    script.sync()
    script.stripe.at("2024-01-03")
    script.stripe.delete("cus_1")
    script.stripe.at("2024-01-04")
    script.sync()
    by_id = {row["source_id"]: row for row in script.versions("customers")}
    assert by_id["cus_1"]["is_deleted"]
    assert by_id["cus_1"]["name"] == "cus_1"
    assert sorted(script.staged("customers")) == ["cus_2"]
    assert script.staged("invoices")["in_1"]["customer_id"] == "cus_1"


def test_a_customer_deleted_before_it_was_ever_read(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"), d.customer("cus_2"))
    billed(script, customer_name="Gone Ltd", customer_email="gone@example.com")
    script.stripe.at("2024-01-03")
    script.stripe.delete("cus_1")
    script.stripe.at("2024-03-01")
    script.sync()
    by_id = {row["source_id"]: row for row in script.versions("customers")}
    gone = by_id["cus_1"]
    assert (gone["is_deleted"], gone["name"]) == (True, "Gone Ltd")
    assert gone["email"] == "gone@example.com"
    assert not by_id["cus_2"]["is_deleted"]
    # That nobody lists it does not make it new, or gone, at every load.
    script.stripe.at("2024-03-02")
    assert script.sync().is_unchanged


def test_a_refund_that_fails_after_it_succeeded(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    paid(script, billed(script), 1_000)
    script.stripe.create(d.refund("re_1", "ch_inpay_1", 400), d.refund("re_2", "ch_inpay_1", 100))
    script.stripe.at("2024-01-02")
    script.sync()
    given = {row["source_id"]: row["amount"] for row in script.staged("credit_notes").values()}
    assert sorted(given.values()) == [1, 4]
    script.stripe.at("2024-01-08")
    script.stripe.update("re_1", "failed", status="failed", failure_reason="declined")
    script.stripe.at("2024-01-09")
    script.sync()
    [left] = script.staged("credit_notes").values()
    assert (left["amount"], left["invoice_id"]) == (1, "in_1")


def test_what_is_lost_in_a_dispute_is_paid_back(script: Script) -> None:
    """From the day on which it was taken; what was won, or is not decided, is not."""
    script.stripe.create(d.customer("cus_1"))
    paid(script, billed(script), 1_000)
    outside = d.charge("ch_2", "cus_1", 500)
    script.stripe.create(outside)
    script.stripe.at("2024-01-02")
    script.sync()
    charge = script.stripe.found("ch_inpay_1")
    script.stripe.at("2024-01-05")
    taken = d.document(
        "balance_transaction", id="txn_1", amount=-400, currency="usd", created=script.stripe.now
    )
    script.stripe.create(
        d.dispute("du_1", charge, 400, "needs_response"), d.dispute("du_2", charge, 70, "won"),
        d.dispute("du_3", charge, 80, "warning_closed"), d.dispute("du_4", outside, 500, "lost"),
    )  # fmt: skip
    script.stripe.at("2024-01-06")
    script.stripe.update("du_1", "funds_withdrawn", balance_transactions=[{**taken}])
    script.stripe.at("2024-01-07")
    script.sync()
    assert script.staged("credit_notes") == {}
    payments = {id: row["amount"] for id, row in script.staged("payments").items()}
    assert payments == {"inpay_1": 10, "ch_2": 5, "du_4": -5}
    script.stripe.at("2024-03-01")
    script.stripe.update("du_1", "closed", status="lost")
    script.sync()
    [lost] = script.staged("credit_notes").values()
    known = lost["source_id"], lost["invoice_id"], lost["amount"], lost["occurred_at"]
    assert known == ("du_1", "in_1", 4, dt.datetime(2024, 1, 5))


def test_a_refund_that_a_credit_note_lists_is_counted_once(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    invoice = billed(script)
    paid(script, invoice, 1_000)
    script.stripe.create(d.refund("re_1", "ch_inpay_1", 400))
    listed = [{"amount_refunded": 400, "refund": "re_1", "payment_record_refund": None,
               "type": "refund"}]  # fmt: skip
    script.stripe.create(d.credit_note("cn_1", invoice, 400, type="post_payment", refunds=listed))
    script.stripe.at("2024-01-02")
    script.sync()
    assert [row["amount"] for row in script.staged("credit_notes").values()] == [4]
    script.stripe.at("2024-01-03")
    script.stripe.update("cn_1", "voided", status="void", voided_at=script.stripe.now)
    script.stripe.at("2024-01-04")
    script.sync()
    # The note is void, yet the money went back.
    [left] = script.staged("credit_notes").values()
    assert (left["source_id"].split("/")[0], left["amount"]) == ("re_1", 4)


def test_an_invoice_voided_after_a_payment(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    invoice = billed(script)
    paid(script, invoice, 400)
    script.stripe.at("2024-01-02")
    script.sync()
    [staged] = script.staged("invoices").values()
    assert (staged["status"], staged["amount_paid"], staged["paid_at"]) == ("open", 4, None)
    script.stripe.at("2024-01-05")
    moments = {**invoice["status_transitions"], "voided_at": script.stripe.now}
    script.stripe.update("in_1", "voided", status="void", status_transitions=moments)
    script.stripe.at("2024-01-06")
    script.sync()
    [staged] = script.staged("invoices").values()
    assert (staged["status"], staged["total"]) == ("void", 10)
    [payment] = script.staged("payments").values()
    assert (payment["amount"], payment["invoice_id"]) == (4, "in_1")


def test_a_charge_is_a_payment_only_where_no_payment_of_an_invoice_names_it(
    script: Script,
) -> None:
    script.stripe.create(d.customer("cus_1"))
    paid(script, billed(script), 1_000)
    script.stripe.create(
        d.charge("ch_alone", "cus_1", 250), d.charge("ch_failed", "cus_1", 9, status="failed"),
        event="succeeded",
    )  # fmt: skip
    intent = d.invoice_payment(
        "inpay_2", "in_1", 70, "2024-01-01",
        payment={"type": "payment_intent", "payment_intent": "pi_1"},
    )  # fmt: skip
    script.stripe.create(d.charge("ch_intent", "cus_1", 70, payment_intent="pi_1"))
    script.stripe.create(intent, event="paid")
    script.stripe.at("2024-01-02")
    script.sync()
    found = sorted(row["amount"] for row in script.staged("payments").values())
    assert found == [Decimal("0.7"), Decimal("2.5"), 10]


def test_a_refund_goes_to_the_invoice_that_its_charge_paid(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    billed(script)
    script.stripe.create(
        d.charge("ch_1", "cus_1", 1_000, payment_intent="pi_1"),
        d.invoice_payment(
            "inpay_1", "in_1", 1_000, "2024-01-01",
            payment={"type": "payment_intent", "payment_intent": "pi_1"},
        ),
        d.charge("ch_2", "cus_1", 500), d.charge("ch_3", None, 70),
        d.refund("re_1", "ch_1", 100, payment_intent="pi_1"), d.refund("re_2", "ch_2", 50),
        d.refund("re_3", "ch_3", 7), d.refund("re_4", "ch_1", 3, status="pending"),
    )  # fmt: skip
    script.stripe.at("2024-01-02")
    report = script.sync()
    [credit] = script.staged("credit_notes").values()
    known = credit["source_id"], credit["invoice_id"], credit["customer_id"], credit["amount"]
    assert known == ("re_1", "in_1", "cus_1", 1)
    # What was charged without an invoice was paid, and what of it went back was paid back.
    paid = {id: (row["invoice_id"], row["amount"]) for id, row in script.staged("payments").items()}
    assert paid == {
        "inpay_1": ("in_1", 10), "ch_2": (None, 5), "re_2": (None, Decimal("-0.5")),
    }  # fmt: skip
    assert [it for it in report.warnings if "name no customer" in it]


def test_amounts_in_yen_and_dinars(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    for currency, amount in (("jpy", 16_500), ("kwd", 12_340), ("isk", 9_900), ("mga", 5_000)):
        invoice = billed(script, f"in_{currency}", amount, currency=currency)
        invoice["lines"]["data"][0]["currency"] = currency
        paid(script, invoice, amount, f"inpay_{currency}")
    script.stripe.create(
        d.credit_note("cn_1", script.stripe.found("in_kwd"), 1_230),
        d.refund("re_1", "ch_inpay_jpy", 500, currency="jpy"),
    )
    script.stripe.at("2024-01-02")
    script.sync()
    known = {"JPY": 16_500, "KWD": Decimal("12.34"), "ISK": 99, "MGA": 5_000}
    for entity, column in (("invoices", "total"), ("payments", "amount")):
        found = script.staged(entity).values()
        assert {row["currency"]: row[column] for row in found} == known, entity
    lines = script.staged("invoice_lines").values()
    assert sorted(row["amount"] for row in lines) == sorted(known.values())
    credits = script.staged("credit_notes").values()
    assert {row["currency"]: row["amount"] for row in credits} == {
        "KWD": Decimal("1.23"), "JPY": 500,
    }  # fmt: skip


def test_a_customer_that_comes_while_the_list_is_paged(script: Script) -> None:
    script.stripe.create(*(d.customer(f"cus_{n:03}") for n in range(1, 251)))
    script.stripe.at("2024-01-02")

    def comes(path: str) -> None:
        if len(asked(script, "/v1/customers")) == 2 and "cus_new" not in known:
            known.add("cus_new")
            script.stripe.create(d.customer("cus_new"))

    known: set[str] = set()
    script.stripe.asked = comes
    script.sync()
    first = {row["source_id"] for row in script.versions("customers")}
    assert first - {"cus_new"} == {f"cus_{n:03}" for n in range(1, 251)}
    script.stripe.at("2024-01-03")
    script.sync()
    rows = script.read("select source_id from raw_stripe.customers")
    assert sorted(row["source_id"] for row in rows) == sorted({*first, "cus_new"})
    assert len(script.staged("customers")) == 251
