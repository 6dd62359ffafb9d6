"""What may happen to all else: rates, people, accounts, stages, quotas, leads."""

from __future__ import annotations

from tests.increments.happenings import before, changes_of, event, of_deal, today
from tests.increments.seller import CURRENCIES, DAY, RATES, TEAMS, Seller

REGIONS = ("EMEA", "US", "APAC", "")


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
def rep_transferred_before(seller: Seller) -> None:
    """Days ago, and told today; or so long ago that it corrects what was told first."""
    for days in (3, 300):
        user = seller.some("users") or {}
        user.update(team=f"east{days}", source_updated_at=before(seller, days))


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
def contact_created(seller: Seller) -> None:
    account = seller.some("accounts") or {}
    email = seller.draw.choice(["a@x.example", "a@x.example", ""])
    seller.add(
        "contacts", name="Who", email=email, account_id=account.get("source_id"),
        created_at=before(seller),
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
