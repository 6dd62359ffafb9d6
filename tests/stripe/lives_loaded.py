"""What is loaded of lives of subscriptions: states of the last 30 days, and bills before that."""

from __future__ import annotations

import json
from typing import Any

from lives import EVENTS_FROM, PRODUCTS, Life, Rows, major


def raw_rows(of: list[Life]) -> Rows:
    """What would have been loaded now."""
    rows: Rows = {
        name: []
        for name in (
            "subscriptions", "subscription_states", "subscription_state_items", "prices",
            "price_tiers", "products", "coupons", "discounts", "invoice_lines", "invoice_items",
        )
    }  # fmt: skip
    rows["products"] = [{"source_id": name, "name": name.upper()} for name in PRODUCTS]
    for price in {it["id"]: it for life in of for it in life.prices}.values():
        _price(price, rows)
    for life in of:
        _subscription(life, rows)
        _states(life, rows)
        pending = {it["source_id"] for it in life.lines if it["is_proration"]}
        for line in life.lines:
            is_pending = line["source_id"] in pending and life.draw.random() < 0.5
            if is_pending:
                left_out = ("product", "unit_amount")
                item = {key: it for key, it in line.items() if key not in left_out}
                rows["invoice_items"].append({**item, "customer": "cus"})
            else:
                rows["invoice_lines"].append({**line, "invoice": "in_1"})
        for discount in life.discounts.values():
            _discount(discount, rows)
    return rows


def _price(price: dict[str, Any], rows: Rows) -> None:
    transform, currency = price["transform_quantity"] or {}, price["currency"]
    rows["prices"].append(
        {
            "source_id": price["id"],
            "product": price["product"],
            "currency": currency.upper(),
            "type": "recurring",
            "billing_scheme": price["billing_scheme"],
            "tiers_mode": price["tiers_mode"],
            "unit_amount": major(price["unit_amount_decimal"], currency),
            **price["recurring"],
            "divide_by": transform.get("divide_by"),
            "round": transform.get("round"),
        }
    )
    for position, tier in enumerate(price["tiers"] or [], 1):
        rows["price_tiers"].append(
            {
                "source_id": f"{price['id']}/{position}",
                "price": price["id"],
                "position": position,
                "up_to": tier["up_to"],
                "unit_amount": major(tier["unit_amount_decimal"], currency),
                "flat_amount": major(tier["flat_amount_decimal"], currency),
            }
        )


def _subscription(life: Life, rows: Rows) -> None:
    now = life.now
    rows["subscriptions"].append(
        {
            "source_id": life.name,
            "customer": f"cus_{life.name}",
            "status": now["status"],
            "currency": now["currency"].upper(),
            "start_date": life.began_at,
            "created": life.began_at,
            "ended_at": now["ended_at"],
            "trial_start": now["trial_start"],
            "trial_end": now["trial_end"],
        }
    )


def _states(life: Life, rows: Rows) -> None:
    known_from = max(life.began_at, EVENTS_FROM)
    since = [(known_from, life.at(known_from))]
    since += [it for it in life.versions if it[0] > known_from]
    for number, (moment, seen) in enumerate(since):
        state = f"{life.name}@{number}"
        pause = seen["pause_collection"] or {}
        rows["subscription_states"].append(
            {
                "source_id": state,
                "subscription": life.name,
                "began_at": moment if number else life.began_at,
                "known_from": moment,
                "status": seen["status"],
                "pause_behavior": pause.get("behavior"),
            }
        )
        for item in seen["items"]["data"]:
            rows["subscription_state_items"].append(
                {
                    "source_id": f"{state}/{item['id']}",
                    "state": state,
                    "subscription": life.name,
                    "item": item["id"],
                    "price": item["price"]["id"],
                    "quantity": item["quantity"],
                }
            )


def _discount(discount: dict[str, Any], rows: Rows) -> None:
    coupon = discount["source"]["coupon"]
    currency = coupon["currency"]
    only = (coupon["applies_to"] or {}).get("products")
    rows["coupons"].append(
        {
            "source_id": coupon["id"],
            "percent_off": None if coupon["percent_off"] is None else str(coupon["percent_off"]),
            "amount_off": major(coupon["amount_off"], currency) if currency else None,
            "currency": currency.upper() if currency else None,
            "duration": coupon["duration"],
            "products": json.dumps(only) if only else None,
        }
    )
    rows["discounts"].append(
        {
            "source_id": discount["id"],
            "coupon": coupon["id"],
            "subscription": discount["subscription"],
            "subscription_item": discount["subscription_item"],
            "begins_at": discount["start"],
            "ends_at": discount["end"],
        }
    )
