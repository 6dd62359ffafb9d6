"""What may happen to a deal and its history."""

from __future__ import annotations

from tests.increments.happenings import before, changes_of, event, of_deal, today
from tests.increments.seller import HOUR, OPEN, Seller


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
