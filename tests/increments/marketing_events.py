"""What may happen to campaigns: spend, touches, costs."""

from __future__ import annotations

from tests.increments.happenings import before, event, of_deal, today
from tests.increments.seller import CURRENCIES, DAY, Moment, Row, Seller

TEAMS = ("Growth Marketing", "north", "Customer Success", None)
CATEGORIES = ("salaries", "tools", "events", "agency")


def advertise(seller: Seller) -> None:
    """A year of spend, touches and costs."""
    for days in range(0, 380, 9):
        spend(seller, seller.now - days * DAY)
        touch(seller, seller.now - seller.draw.randint(1, 300) * DAY)
    for months in range(1, 13):
        cost(seller, seller.now - 30 * months * DAY)


def spend(seller: Seller, at: Moment) -> Row:
    """What was spent on a day on a campaign, or on none that is said."""
    row = {
        "platform": "ads", "day": at.date(), "ad_account": f"account {seller.made}",
        "campaign_id": seller.draw.choice([(seller.some("campaigns") or {})["source_id"], None]),
        "spend": seller.draw.randint(10, 90), "currency": seller.draw.choice(CURRENCIES),
        "impressions": 1000, "clicks": 20,
    }  # fmt: skip
    seller.made += 1
    seller.tables["spend_daily"].append(row)
    return row


def touch(seller: Seller, at: Moment) -> Row:
    """A touch of a deal, or of a lead that may become one."""
    of_lead = seller.draw.random() < 0.3
    row: Row = {"lead_id": (seller.some("leads") or {})["source_id"]}
    return seller.add(
        "touches", occurred_at=at, type="visit", channel=seller.draw.choice(["web", "fair", None]),
        campaign_id=seller.draw.choice([(seller.some("campaigns") or {})["source_id"], None]),
        **(row if of_lead else {"opportunity_id": of_deal(seller)["source_id"]}),
    )  # fmt: skip


def cost(seller: Seller, at: Moment) -> None:
    """A cost of a month, of which there is none of its kind yet."""
    row = {
        "month": f"{at:%Y-%m}-01", "category": seller.draw.choice(CATEGORIES),
        "team": seller.draw.choice(TEAMS), "currency": seller.draw.choice(CURRENCIES),
    }  # fmt: skip
    told = [{name: cost[name] for name in row} for cost in seller.tables["costs"]]
    if row not in told:
        seller.tables["costs"].append({**row, "amount": seller.draw.randint(100, 900)})


@event
def campaign_created(seller: Seller) -> None:
    campaign = seller.add("campaigns", name="New campaign", channel="web", platform="ads")
    spend(seller, today(seller))["campaign_id"] = campaign["source_id"]
    of_deal(seller)["campaign_id"] = campaign["source_id"]


@event
def campaign_renamed(seller: Seller) -> None:
    (seller.some("campaigns") or {})["name"] = f"Renamed {seller.made}"


@event
def campaign_moved_to_another_channel(seller: Seller) -> None:
    (seller.some("campaigns") or {})["channel"] = seller.draw.choice(["web", "podcast", None])


@event
def campaign_vanished(seller: Seller) -> None:
    if len(seller.tables["campaigns"]) > 3:
        seller.tables["campaigns"].pop()


@event
def spend_reported(seller: Seller) -> None:
    spend(seller, today(seller))


@event
def spend_reported_late(seller: Seller) -> None:
    spend(seller, before(seller))


@event
def spend_of_the_future(seller: Seller) -> None:
    spend(seller, seller.now + 2 * DAY)


@event
def spend_restated_downward(seller: Seller) -> None:
    (seller.some("spend_daily") or {})["spend"] /= 2


@event
def spend_withdrawn(seller: Seller) -> None:
    seller.tables["spend_daily"].remove(seller.some("spend_daily") or {})


@event
def touch_made(seller: Seller) -> None:
    touch(seller, today(seller))


@event
def touch_told_late(seller: Seller) -> None:
    """Before a deal was won, or created; first of all or in between."""
    row = touch(seller, before(seller, 300))
    row.update(opportunity_id=of_deal(seller, "won")["source_id"])


@event
def touch_of_another_deal(seller: Seller) -> None:
    (seller.some("touches") or {})["opportunity_id"] = of_deal(seller)["source_id"]


@event
def touch_of_the_future(seller: Seller) -> None:
    touch(seller, seller.now + DAY)


@event
def touch_withdrawn(seller: Seller) -> None:
    seller.tables["touches"].remove(seller.some("touches") or {})


@event
def cost_booked(seller: Seller) -> None:
    cost(seller, seller.now)


@event
def cost_booked_late(seller: Seller) -> None:
    cost(seller, before(seller))


@event
def cost_corrected(seller: Seller) -> None:
    (seller.some("costs") or {})["amount"] -= 50


@event
def lead_of_an_account(seller: Seller) -> None:
    """The first of the account, perhaps, as it turns out."""
    lead = seller.lead(before(seller, 380))
    lead["account_id"] = (seller.some("accounts") or {})["source_id"]
    lead["campaign_id"] = (seller.some("campaigns") or {})["source_id"]
