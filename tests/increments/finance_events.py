"""What may happen to customers: subscriptions, invoices, payments, credits."""

from __future__ import annotations

from tests.increments.happenings import before, event, of_deal, today
from tests.increments.seller import CURRENCIES, DAY, HOUR, Moment, Row, Seller

PLANS = ("basic", "service", "plus", None)


def bill(seller: Seller) -> None:
    """Customers of a year, some of them matched with accounts, and what they pay."""
    for n in range(14):
        since = seller.now - seller.draw.randint(5, 430) * DAY
        row = customer(seller, since)
        if n % 4 == 0:
            row["account_id"] = seller.tables["accounts"][n % 5]["source_id"]
        elif n % 4 == 1:
            row["domain"] = f"https://www.a{n % 8}.example/"
        subscription = subscribe(seller, row, since)
        if n % 5 == 0:
            end(subscription, since + (seller.now - since) / 2)
        for months in range(1 + n % 3):
            issued = since + 35 * months * DAY
            if issued < seller.now:
                pay(seller, invoice(seller, row, issued), issued + 20 * DAY)


def customer(seller: Seller, at: Moment, **values: object) -> Row:
    """A customer that nothing matches with an account."""
    email = f"billing@c{seller.made}.example"
    return seller.add("customers", name="Customer", email=email, created_at=at, **values)


def subscribe(seller: Seller, to: Row, at: Moment) -> Row:
    """A subscription that begins."""
    return seller.add(
        "subscriptions", customer_id=to["source_id"], status="active", started_at=at,
        currency=seller.draw.choice(CURRENCIES), mrr=seller.draw.choice([0, 50, 83.333333, 120]),
        plan=seller.draw.choice(PLANS),
    )  # fmt: skip


def end(subscription: Row, at: Moment) -> None:
    """A subscription that ends."""
    subscription.update(status="canceled", ended_at=at)


def invoice(seller: Seller, to: Row, at: Moment) -> Row:
    """An invoice that is open, perhaps for a deal."""
    deal = of_deal(seller, "won")["source_id"] if seller.draw.random() < 0.5 else None
    return seller.add(
        "invoices", customer_id=to["source_id"], issued_at=at, due_at=at + 30 * DAY, status="open",
        total=seller.draw.randint(100, 3000), tax=10, currency=seller.draw.choice(CURRENCIES),
        opportunity_id=deal,
    )  # fmt: skip


def pay(seller: Seller, bill: Row, at: Moment, share: float = 1) -> Row:
    """A payment of an invoice, or of a share of it."""
    return seller.add(
        "payments", customer_id=bill["customer_id"], invoice_id=bill["source_id"], occurred_at=at,
        amount=round(bill["total"] * share, 2), currency=bill["currency"],
    )  # fmt: skip


def credit(seller: Seller, bill: Row, at: Moment, amount: float) -> Row:
    """A credit note; a refund where nothing is open."""
    return seller.add(
        "credit_notes", customer_id=bill["customer_id"], invoice_id=bill["source_id"],
        occurred_at=at, amount=amount, currency=bill["currency"],
    )  # fmt: skip


def of_customer(seller: Seller) -> Row:
    """A customer by chance, a new one where there is none."""
    return seller.some("customers") or customer(seller, before(seller))


def of_invoice(seller: Seller) -> Row:
    """An invoice by chance, a new one where there is none."""
    return seller.some("invoices") or invoice(seller, of_customer(seller), before(seller))


def of_subscription(seller: Seller) -> Row:
    """A running subscription by chance, a new one where there is none."""
    running = [row for row in seller.tables["subscriptions"] if not row.get("ended_at")]
    if not running:
        running.append(subscribe(seller, of_customer(seller), before(seller)))
    return seller.draw.choice(running)


@event
def customer_won(seller: Seller) -> None:
    at = today(seller)
    subscribe(seller, customer(seller, at), at)


@event
def customer_matched_later(seller: Seller) -> None:
    account = seller.some("accounts") or {}
    how = seller.draw.choice(["account_id", "domain", "email"])
    said = {"domain": account.get("domain"), "email": f"ap@{account.get('domain')}"}
    of_customer(seller)[how] = (said | {"account_id": account.get("source_id")})[how]


@event
def customer_of_an_unknown_account(seller: Seller) -> None:
    of_customer(seller)["account_id"] = "nobody"


@event
def customer_vanished(seller: Seller) -> None:
    if len(seller.tables["customers"]) > 5:
        seller.tables["customers"].remove(of_customer(seller))


@event
def account_is_twin(seller: Seller) -> None:
    """Two accounts of one domain: no customer is matched by it any more."""
    one, other = seller.draw.sample(seller.tables["accounts"], 2)
    one["domain"] = other["domain"]


@event
def subscription_began_untold(seller: Seller) -> None:
    subscribe(seller, of_customer(seller), before(seller, 400))


@event
def plan_changed(seller: Seller) -> None:
    old, at = of_subscription(seller), today(seller)
    end(old, at)
    new = subscribe(seller, {"source_id": old["customer_id"]}, at)
    new.update(currency=old["currency"], mrr=seller.draw.choice([40, 200]))


@event
def subscription_changed_currency(seller: Seller) -> None:
    of_subscription(seller)["currency"] = seller.draw.choice(CURRENCIES)


@event
def subscription_repriced(seller: Seller) -> None:
    """The row itself, and so its past."""
    of_subscription(seller)["mrr"] = seller.draw.choice([0, 70, 300])


@event
def subscription_churned(seller: Seller) -> None:
    end(of_subscription(seller), today(seller))


@event
def subscription_churned_long_ago(seller: Seller) -> None:
    subscription = of_subscription(seller)
    end(subscription, max(subscription["started_at"], before(seller, 60)))


@event
def subscription_ends_soon(seller: Seller) -> None:
    of_subscription(seller)["ended_at"] = seller.now + seller.draw.randint(1, 60) * HOUR


@event
def subscription_of_the_future(seller: Seller) -> None:
    subscribe(seller, of_customer(seller), seller.now + seller.draw.randint(1, 60) * HOUR)


@event
def customer_is_back(seller: Seller) -> None:
    gone = [row for row in seller.tables["subscriptions"] if row.get("ended_at")]
    back = seller.draw.choice(gone) if gone else of_subscription(seller)
    subscribe(seller, {"source_id": back["customer_id"]}, today(seller))


@event
def subscription_of_another_status(seller: Seller) -> None:
    status = seller.draw.choice(["Past Due", "trialing", "grandfathered", "ended", "paused"])
    of_subscription(seller)["status"] = status


@event
def subscription_withdrawn(seller: Seller) -> None:
    seller.tables["subscriptions"].remove(of_subscription(seller))


@event
def invoice_issued(seller: Seller) -> None:
    invoice(seller, of_customer(seller), today(seller))


@event
def invoice_of_nobody(seller: Seller) -> None:
    invoice(seller, {"source_id": "nobody"}, today(seller))


@event
def invoice_told_late(seller: Seller) -> None:
    invoice(seller, of_customer(seller), before(seller, 300))


@event
def invoice_of_the_future(seller: Seller) -> None:
    invoice(seller, of_customer(seller), seller.now + DAY)


@event
def invoice_of_another_deal(seller: Seller) -> None:
    of_invoice(seller)["opportunity_id"] = of_deal(seller, "won")["source_id"]


@event
def invoice_voided(seller: Seller) -> None:
    """Perhaps after it was paid."""
    of_invoice(seller)["status"] = seller.draw.choice(["void", "draft"])


@event
def invoice_written_off(seller: Seller) -> None:
    of_invoice(seller)["status"] = seller.draw.choice(["uncollectible", "sent"])


@event
def invoice_corrected(seller: Seller) -> None:
    of_invoice(seller)["total"] += seller.draw.choice([-40, 40])


@event
def payment_received(seller: Seller) -> None:
    pay(seller, of_invoice(seller), today(seller))


@event
def payment_in_parts(seller: Seller) -> None:
    bill = of_invoice(seller)
    for share in (0.3, 0.4):
        pay(seller, bill, today(seller), share)


@event
def payment_told_late(seller: Seller) -> None:
    bill = of_invoice(seller)
    pay(seller, bill, max(bill["issued_at"], before(seller, 120)))


@event
def payment_of_the_future(seller: Seller) -> None:
    pay(seller, of_invoice(seller), seller.now + 20 * HOUR)


@event
def payment_too_high(seller: Seller) -> None:
    pay(seller, of_invoice(seller), today(seller), 1.5)


@event
def payment_in_another_currency(seller: Seller) -> None:
    pay(seller, of_invoice(seller), today(seller), 0.5)["currency"] = "EUR"


@event
def payment_on_account(seller: Seller) -> None:
    pay(seller, of_invoice(seller), today(seller), 0.1)["invoice_id"] = None


@event
def payment_withdrawn(seller: Seller) -> None:
    if seller.tables["payments"]:
        seller.tables["payments"].remove(seller.draw.choice(seller.tables["payments"]))


@event
def refund_given(seller: Seller) -> None:
    bill = of_invoice(seller)
    pay(seller, bill, max(bill["issued_at"], before(seller, 40)))
    credit(seller, bill, today(seller), bill["total"] / 2)


@event
def credit_given(seller: Seller) -> None:
    credit(seller, of_invoice(seller), today(seller), 60)


@event
def credit_told_late(seller: Seller) -> None:
    bill = of_invoice(seller)
    credit(seller, bill, max(bill["issued_at"], before(seller, 120)), 80)


@event
def credit_without_invoice(seller: Seller) -> None:
    credit(seller, of_invoice(seller), today(seller), 25)["invoice_id"] = None


@event
def credit_withdrawn(seller: Seller) -> None:
    if seller.tables["credit_notes"]:
        seller.tables["credit_notes"].pop()
