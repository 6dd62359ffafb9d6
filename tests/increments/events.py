"""What may happen to a seller's exports between two builds, each by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.increments.seller import CURRENCIES, DAY, HOUR, OPEN, RATES, TEAMS, Moment, Row, Seller

Event = Callable[[Seller], None]
EVENTS: dict[str, Event] = {}
REGIONS = ("EMEA", "US", "APAC", "")


def event(happens: Event) -> Event:
    EVENTS[happens.__name__] = happens
    return happens


def today(seller: Seller) -> Moment:
    """A moment since yesterday."""
    return seller.now - seller.draw.randint(0, 23) * HOUR


def before(seller: Seller, days: int = 200) -> Moment:
    """A moment of the past."""
    return seller.now - seller.draw.randint(24, 24 * days) * HOUR


def of_deal(seller: Seller, *statuses: str) -> Row:
    """A deal of the CRM, by chance; a new one where there is none."""
    return seller.some("opportunities", *statuses) or seller.deal(before(seller))


def changes_of(seller: Seller) -> list[Row]:
    return seller.tables["field_changes"]


@event
def deal_created(seller: Seller) -> None:
    seller.deal(today(seller))


@event
def deal_told_late(seller: Seller) -> None:
    """Created and perhaps closed long ago, exported for the first time."""
    seller.live(seller.deal(before(seller, 400)))


@event
def deal_created_in_the_future(seller: Seller) -> None:
    seller.deal(seller.now + seller.draw.randint(1, 60) * HOUR)


@event
def deal_without_creation(seller: Seller) -> None:
    seller.deal(today(seller), created_at=None)


@event
def stage_moved(seller: Seller) -> None:
    seller.move(of_deal(seller, "open"), seller.stage_of("open"), today(seller))


@event
def stage_moved_untold(seller: Seller) -> None:
    seller.move(of_deal(seller, "open"), seller.stage_of("open"), today(seller), told=False)


@event
def field_changed(seller: Seller) -> None:
    name = seller.draw.choice(["amount", "owner_id", "close_date", "forecast_category"])
    at = today(seller)
    seller.change(of_deal(seller), name, seller.another(name, at), at)


@event
def field_changed_untold(seller: Seller) -> None:
    name = seller.draw.choice(["amount", "owner_id", "close_date", "forecast_category"])
    seller.change(of_deal(seller), name, seller.another(name, today(seller)), seller.now, False)


@event
def other_field_changed(seller: Seller) -> None:
    """Of those that have no history anywhere."""
    values = {"product": "C", "region": "APAC", "currency": "EUR", "deal_type": "renewal"}
    name = seller.draw.choice([*values, "account_id", "created_at", "probability"])
    account = (seller.some("accounts") or {}).get("source_id")
    own = {"account_id": account, "created_at": before(seller), "probability": 0.35}
    of_deal(seller)[name] = (values | own)[name]


@event
def amount_emptied(seller: Seller) -> None:
    seller.change(of_deal(seller), "amount", None, today(seller))


@event
def deal_won(seller: Seller) -> None:
    seller.move(of_deal(seller, "open"), seller.stage_of("won"), today(seller))


@event
def deal_lost(seller: Seller) -> None:
    seller.move(of_deal(seller, "open"), seller.stage_of("lost", "no_decision"), today(seller))


@event
def closing_told_late(seller: Seller) -> None:
    told = seller.draw.random() < 0.5
    status = seller.draw.choice(["won", "lost"])
    seller.move(of_deal(seller, "open"), seller.stage_of(status), before(seller, 60), told)


@event
def closing_in_the_future(seller: Seller) -> None:
    at = seller.now + seller.draw.randint(1, 80) * HOUR
    seller.move(of_deal(seller, "open"), seller.stage_of("won"), at, seller.draw.random() < 0.5)


@event
def closing_redated(seller: Seller) -> None:
    deal = of_deal(seller, "won", "lost")
    at = before(seller, 100)
    deal.update(closed_at=at, close_date=at.date())


@event
def deal_reopened(seller: Seller) -> None:
    told = seller.draw.random() < 0.7
    deal = of_deal(seller, "won", "lost", "no_decision")
    seller.move(deal, seller.stage_of("open"), today(seller), told)


@event
def fact_of_the_past_told_late(seller: Seller) -> None:
    """A change of weeks ago that the history did not have."""
    deal, at = of_deal(seller), before(seller)
    name = seller.draw.choice(["stage", "amount", "owner_id", "close_date"])
    value = seller.draw.choice(OPEN) if name == "stage" else seller.another(name, at)
    seller.tell(deal, name, None, value, at)


@event
def fact_corrected(seller: Seller) -> None:
    change = seller.draw.choice(changes_of(seller))
    if seller.draw.random() < 0.5:
        change["changed_at"] -= seller.draw.randint(1, 500) * HOUR
    elif change["field"] != "stage":
        change["new_value"] = seller.another(change["field"], change["changed_at"])


@event
def fact_withdrawn(seller: Seller) -> None:
    changes_of(seller).remove(seller.draw.choice(changes_of(seller)))


@event
def change_in_the_future(seller: Seller) -> None:
    at = seller.now + seller.draw.randint(1, 60) * HOUR
    seller.change(of_deal(seller, "open"), "amount", 7777, at)


@event
def deal_vanished(seller: Seller) -> None:
    deals = seller.tables["opportunities"]
    gone = deals.pop(seller.draw.randrange(len(deals)))
    seller.gone.append(gone)


@event
def vanished_deal_is_back(seller: Seller) -> None:
    if seller.gone:
        back = seller.gone.pop(seller.draw.randrange(len(seller.gone)))
        seller.tables["opportunities"].append(back)


@event
def deal_deleted(seller: Seller) -> None:
    at = seller.draw.choice([None, today(seller), before(seller, 30)])
    of_deal(seller).update(is_deleted=True, source_updated_at=at)


@event
def deal_restored(seller: Seller) -> None:
    for deal in seller.tables["opportunities"]:
        if deal.get("is_deleted"):
            deal.update(is_deleted=False, source_updated_at=None)
            return


@event
def deal_merged(seller: Seller) -> None:
    of_deal(seller).update(
        merged_into_id=of_deal(seller)["source_id"],
        source_updated_at=seller.draw.choice([None, today(seller)]),
    )


@event
def deal_unmerged(seller: Seller) -> None:
    for deal in seller.tables["opportunities"]:
        if deal.get("merged_into_id"):
            deal["merged_into_id"] = None
            return


@event
def rate_of_the_past_changed(seller: Seller) -> None:
    seller.draw.choice(seller.tables["fx_rates"])["rate"] *= 1.01


@event
def rate_told(seller: Seller) -> None:
    currency = seller.draw.choice(CURRENCIES[1:])
    day = (seller.now - seller.draw.randint(-1, 40) * DAY).date()
    told = {(row["day"], row["from_currency"]) for row in seller.tables["fx_rates"]}
    if (day, currency) not in told:
        seller.rate(day, currency, RATES[currency] * seller.draw.uniform(0.9, 1.1))


@event
def rates_of_the_last_days_told(seller: Seller) -> None:
    told = {(row["day"], row["from_currency"]) for row in seller.tables["fx_rates"]}
    for days in range(8):
        day = (seller.now - days * DAY).date()
        for currency, rate in RATES.items():
            if (day, currency) not in told:
                seller.rate(day, currency, rate * (1.2 + days / 100))


@event
def rate_withdrawn(seller: Seller) -> None:
    seller.tables["fx_rates"].remove(seller.draw.choice(seller.tables["fx_rates"][-8:]))


@event
def rep_transferred(seller: Seller) -> None:
    user = seller.some("users") or {}
    if user["source_id"] not in TEAMS.values():
        team = seller.draw.choice([*TEAMS, "west"])
        user.update(team=team, manager_id=TEAMS.get(team))


@event
def rep_hired(seller: Seller) -> None:
    rep = seller.add("users", role="rep", team="north", manager_id="nina", name="New")
    rep["hired_on"] = seller.now.date()
    deal = of_deal(seller, "open")
    seller.change(deal, "owner_id", rep["source_id"], today(seller))


@event
def rep_left(seller: Seller) -> None:
    left_on = (seller.now + seller.draw.randint(-20, 3) * DAY).date()
    (seller.some("users") or {}).update(left_on=left_on, is_active=False)


@event
def rep_renamed(seller: Seller) -> None:
    (seller.some("users") or {})["name"] = f"Renamed {seller.made}"


@event
def rep_vanished(seller: Seller) -> None:
    reps = [user for user in seller.tables["users"] if user["source_id"] not in TEAMS.values()]
    if len(reps) > 4:
        seller.tables["users"].remove(seller.draw.choice(reps))


@event
def account_moved(seller: Seller) -> None:
    account = seller.some("accounts") or {}
    account[seller.draw.choice(["region", "segment"])] = seller.draw.choice(REGIONS)


@event
def account_created(seller: Seller) -> None:
    account = seller.add("accounts", name="New account", created_at=before(seller), region="EMEA")
    of_deal(seller)["account_id"] = account["source_id"]


@event
def account_vanished(seller: Seller) -> None:
    if len(seller.tables["accounts"]) > 5:
        seller.tables["accounts"].pop()


@event
def stage_renamed(seller: Seller) -> None:
    """Everywhere, or not in what histories have told of it."""
    stage = seller.draw.choice(seller.tables["pipeline_stages"])
    old, new = stage["stage"], f"{stage['stage']}*"
    stage["stage"] = new
    for deal in (*seller.tables["opportunities"], *seller.gone):
        if deal["stage"] == old:
            deal["stage"] = new
    if seller.draw.random() < 0.3:
        for change in changes_of(seller):
            for side in ("old_value", "new_value"):
                if change["field"] == "stage" and change[side] == old:
                    change[side] = new


@event
def stages_reordered(seller: Seller) -> None:
    one, other = seller.draw.sample(seller.tables["pipeline_stages"][:4], 2)
    one["stage_order"], other["stage_order"] = other["stage_order"], one["stage_order"]


@event
def stage_added(seller: Seller) -> None:
    order = len(seller.tables["pipeline_stages"]) + 1
    stage = seller.stage("pipeline_stages", f"Legal {seller.made}", order, "open", 0.6)
    seller.made += 1
    seller.move(of_deal(seller, "open"), stage["stage"], today(seller))


@event
def stage_redefined(seller: Seller) -> None:
    stage = seller.draw.choice(seller.tables["pipeline_stages"])
    if stage["status"] == "open":
        stage["probability"] = 0.42
    elif stage["status"] != "won":
        stage["status"] = seller.draw.choice(["lost", "no_decision"])


@event
def stage_retired(seller: Seller) -> None:
    """It vanishes from the list, and deals are in it still."""
    stages = seller.tables["pipeline_stages"]
    extra = [stage for stage in stages if stage["stage"].startswith(("Legal", "Demo"))]
    if extra:
        stages.remove(seller.draw.choice(extra))


@event
def quota_changed(seller: Seller) -> None:
    seller.draw.choice(seller.tables["quotas"])["amount"] += 1000


@event
def quota_withdrawn(seller: Seller) -> None:
    seller.tables["quotas"].remove(seller.draw.choice(seller.tables["quotas"]))


@event
def quota_set(seller: Seller) -> None:
    owner = seller.owner()
    start = f"{seller.now:%Y-%m}-01"
    new = {
        "owner_id": owner, "period_start": start, "period_grain": "month",
        "measure": seller.draw.choice(["revenue", "deals"]), "amount": 5000, "currency": "EUR",
    }  # fmt: skip
    key = ("owner_id", "period_start", "period_grain", "measure")
    told = {tuple(row[name] for name in key) for row in seller.tables["quotas"]}
    if tuple(new[name] for name in key) not in told:
        seller.tables["quotas"].append(new)


@event
def lead_created(seller: Seller) -> None:
    seller.lead(today(seller))


@event
def lead_converted(seller: Seller) -> None:
    lead = seller.some("leads") or {}
    deal = of_deal(seller)
    at = seller.draw.choice([today(seller), seller.now + DAY])
    lead.update(converted_at=at, status="converted", opportunity_id=deal["source_id"])


@event
def lead_answered(seller: Seller) -> None:
    (seller.some("leads") or {})["first_response_at"] = today(seller)


@event
def lead_deleted(seller: Seller) -> None:
    (seller.some("leads") or {})["is_deleted"] = True


@event
def activity_logged(seller: Seller) -> None:
    seller.act(today(seller))


@event
def activity_logged_late(seller: Seller) -> None:
    seller.act(before(seller, 60))


@event
def activity_planned(seller: Seller) -> None:
    for hours in (20, 30, 60):
        seller.act(seller.now + hours * HOUR)


@event
def activity_changed(seller: Seller) -> None:
    activity = seller.some("activities") or {}
    activity["opportunity_id"] = of_deal(seller)["source_id"]
    activity["occurred_at"] = before(seller, 20)


@event
def activity_vanished(seller: Seller) -> None:
    seller.tables["activities"].remove(seller.some("activities") or {})


@event
def contact_created(seller: Seller) -> None:
    account = seller.some("accounts") or {}
    email = seller.draw.choice(["a@x.example", "a@x.example", ""])
    seller.add(
        "contacts", name="Who", email=email, account_id=account.get("source_id"),
        created_at=before(seller),
    )  # fmt: skip


@event
def invoice_issued(seller: Seller) -> None:
    seller.add(
        "invoices", customer_id="nobody", issued_at=today(seller), status="open", total=10,
        due_at=seller.now + 2 * DAY, opportunity_id=of_deal(seller)["source_id"],
    )  # fmt: skip


@event
def second_source_begins(seller: Seller) -> None:
    """Its first deals, then more of them, and their first history."""
    deals = seller.second["opportunities"]
    number = len(deals)
    at = before(seller, 90)
    deals.append(
        {
            "source_id": f"s{number}",
            "name": "Second",
            "stage": "Demo",
            "pipeline": "New",
            "amount": 2000,
            "currency": "EUR",
            "created_at": at,
            "close_date": (seller.now + 9 * DAY).date(),
        }
    )
    if number:
        seller.second["field_changes"].append(
            {
                "entity": "opportunities",
                "entity_id": f"s{number - 1}",
                "field": "stage",
                "old_value": "Discovery",
                "new_value": "Demo",
                "changed_at": at,
            }
        )


OF_ALL = ("rate", "rep_", "account_", "stage_added", "stage_re", "stages_", "quota_", "second_")
OF_RECORDS = {name for name in EVENTS if not name.startswith(OF_ALL)}
"""What happens to single records: other things may have all of them built anew."""
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "team": {"team": "now"},
    "closing": {"closing": "told"},
    "timezone": {"timezone": "Asia/Tokyo"},
    "fiscal year": {"fiscal_year_start_month": 4},
}
"""Changes of the company file."""
