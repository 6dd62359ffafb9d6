"""What may happen to activities: done, told late, planned and done later, asked and answered."""

from __future__ import annotations

from tests.increments.happenings import before, event, of_deal, today
from tests.increments.seller import DAY, HOUR, Row, Seller

OF_NO_DEAL: Row = {"opportunity_id": None, "account_id": None}


def party(seller: Seller) -> Row:
    """Whom or what an activity is about that is about no deal."""
    table = seller.draw.choice(["leads", "contacts", "accounts"])
    if not (row := seller.some(table)):
        return {"account_id": (seller.some("accounts") or {}).get("source_id")}
    return OF_NO_DEAL | {f"{table.removesuffix('s')}_id": row["source_id"]}


def planned(seller: Seller) -> Row:
    """An activity that is planned; a new one where there is none."""
    plans = [row for row in seller.tables["activities"] if row.get("is_done") is False]
    return seller.draw.choice(plans) if plans else next_step_planned(seller)


@event
def activity_logged(seller: Seller) -> None:
    seller.act(today(seller))


@event
def activity_logged_late(seller: Seller) -> None:
    seller.act(before(seller, 60))
    seller.act(before(seller, 60), **party(seller))


@event
def activity_logged_of_a_day(seller: Seller) -> None:
    """At a midnight of New York, in summer or winter: a bare day, or almost."""
    day = today(seller).replace(hour=0, minute=0, second=0)
    for hours in (4, 5):
        seller.act(day - DAY + hours * HOUR, direction="out")


@event
def activity_of_nobody_logged(seller: Seller) -> None:
    seller.act(today(seller), owner_id=None)


@event
def activity_without_direction_logged(seller: Seller) -> None:
    seller.act(today(seller), direction=None, type="note")


@event
def activity_planned(seller: Seller) -> None:
    """In the future, and nobody says that it is planned: a call that is, or a mistake."""
    for hours in (20, 30, 60):
        seller.act(seller.now + hours * HOUR)


@event
def activity_changed(seller: Seller) -> None:
    activity = seller.some("activities") or {}
    activity["opportunity_id"] = of_deal(seller)["source_id"]
    activity["occurred_at"] = before(seller, 20)


@event
def activity_changed_sides(seller: Seller) -> None:
    activity = seller.some("activities") or {}
    activity.update(direction=seller.draw.choice(["in", "out", None]), owner_id=seller.owner())
    activity["type"] = seller.draw.choice(["call", "email", "task", "note"])


@event
def activity_vanished(seller: Seller) -> None:
    seller.tables["activities"].remove(seller.some("activities") or {})


@event
def activity_deleted(seller: Seller) -> None:
    (seller.some("activities") or {})["is_deleted"] = True


@event
def next_step_planned(seller: Seller) -> Row:
    """Today, for a day to come or for one that has gone; the system may tell when it was."""
    due_at = seller.now + seller.draw.randint(-30, 90) * HOUR
    at = today(seller)
    row = seller.act(at, is_done=False, due_at=due_at, direction="out")
    if seller.draw.random() < 0.5:
        row["planned_at"] = at
    return row


@event
def next_step_done(seller: Seller) -> None:
    step = planned(seller)
    step.update(is_done=True, occurred_at=seller.now - HOUR)


@event
def next_step_put_off(seller: Seller) -> None:
    planned(seller)["due_at"] = seller.now + 3 * DAY


@event
def next_step_deleted(seller: Seller) -> None:
    planned(seller)["is_deleted"] = True


@event
def task_waits(seller: Seller) -> None:
    """Nobody says whether it is done but its outcome."""
    seller.act(today(seller), type="task", outcome=seller.draw.choice(["waiting", "COMPLETED"]))


@event
def inquiry_made(seller: Seller) -> None:
    """Some two days ago, a day ago or now; about a deal, or by somebody."""
    for hours in (48, 25, 22, 0):
        about = party(seller) if seller.draw.random() < 0.5 else {}
        seller.act(seller.now - hours * HOUR, type="email", direction="in", **about)


@event
def inquiry_answered(seller: Seller) -> None:
    """Today, or told of late."""
    asked = [
        row for row in seller.tables["activities"]
        if row["direction"] == "in" and row["occurred_at"] < seller.now
    ]  # fmt: skip
    for row in seller.draw.sample(asked, min(4, len(asked))):
        about = {name: row.get(name) for name in ("opportunity_id", "lead_id", "contact_id")}
        late = seller.draw.choice([today(seller), row["occurred_at"] + HOUR])
        seller.act(min(late, seller.now), direction="out", account_id=None, **about)


@event
def lead_called(seller: Seller) -> None:
    """A lead that was new, one long known, and one before it was there."""
    for hours in (2, -2):
        lead = seller.some("leads") or {}
        at = min(lead["created_at"] + hours * HOUR, seller.now)
        called = OF_NO_DEAL | {"lead_id": lead["source_id"]}
        seller.act(at, type="call", direction="out", **called)
