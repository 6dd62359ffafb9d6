"""The types refuse what Stripe would refuse of a request, and nothing that it answers."""

from __future__ import annotations

import pytest
from questions import refusals

GOOD = (
    "/v1/customers?limit=100",
    "/v1/customers?limit=100&starting_after=cus_1",
    "/v1/subscriptions?status=all&limit=100&expand[]=data.discounts",
    "/v1/subscriptions?expand[]=data.items.data.discounts",
    "/v1/prices?expand[]=data.tiers",
    "/v1/coupons?expand%5B%5D=data.applies_to",
    "/v1/invoices?created[gte]=1&created%5Blt%5D=2",
    "/v1/invoiceitems?pending=true",
    "/v1/subscription_items?subscription=sub_1&limit=100",
    "/v1/events?types[]=invoice.paid&types[]=invoice.voided&created[gte]=1",
    "/v1/events?type=invoice.*",
    "/v1/invoices/in_1",
    "/v1/subscriptions/sub_1?expand[]=discounts&expand[]=items.data.discounts",
    "/v1/invoices/in_1/lines?limit=100",
    "/v1/credit_notes/cn_1/lines?starting_after=cnli_1",
)
BAD = {
    "/v1/invoices?updated[gte]=1": "updated[gte]: InvoiceListParams has no such parameter",
    "/v1/invoices?created[since]=1": "created[since]=1",
    "/v1/invoices?created[gte]=2026-01-01": "created[gte]=2026-01-01",
    "/v1/invoices?status=overdue": "status=overdue",
    "/v1/customers?limit=1000": "limit=1000: is not within 1 and 100",
    "/v1/customers?limit=all": "limit=all",
    "/v1/customers?status=all": "CustomerListParams has no such parameter",
    "/v1/prices?expand[]=tiers": "what a list has is under data",
    "/v1/prices?expand[]=data.bands": "Price has no bands",
    "/v1/invoices?expand[]=data.lines": "lines is there as it is",
    "/v1/invoices?expand[]=data.lines.data.pricing.price_details.price": "goes deeper than 4",
    "/v1/subscriptions?expand=data.discounts": "expand=data.discounts",
    "/v1/subscriptions/sub_1?status=all": "SubscriptionRetrieveParams has no such parameter",
    "/v1/subscription_items?limit=100": "subscription has to be given",
    "/v1/invoiceitems?pending=yes": "pending=yes",
    "/v1/events?" + "&".join(f"types[]=a.{n}" for n in range(21)): "more than 20 types",
    "/v1/subscriptions/search?query=a": "query: SubscriptionRetrieveParams has no such parameter",
    "/v1/meters": "nobody knows this address",
}
"""Requests that Stripe refuses, and what is said of them."""


@pytest.mark.parametrize("url", GOOD)
def test_what_stripe_answers_is_not_refused(url: str) -> None:
    assert refusals(*f"{url}?".split("?")[:2]) == []


@pytest.mark.parametrize("url", BAD)
def test_what_stripe_would_refuse_is_refused(url: str) -> None:
    found = refusals(*url.split("?")) if "?" in url else refusals(url, "")
    assert any(BAD[url] in it for it in found), found
