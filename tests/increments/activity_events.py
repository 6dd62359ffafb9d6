"""What may happen to activities: done, told late, planned and done later, asked and answered."""

from __future__ import annotations

from tests.increments.happenings import before, event, of_deal, today
from tests.increments.seller import DAY, HOUR, Row, Seller

OF_NO_DEAL: Row = {"opportunity_id": None, "account_id": None}
WHOM = {"contacts": "contact_id", "leads": "lead_id", "opportunities": "opportunity_id"}


def party(seller: Seller) -> Row:
    """Whom or what an activity is about that is about no deal."""
    table = seller.draw.choice(["leads", "contacts", "accounts"])
    if not (row := seller.some(table)):
        return {"account_id": (seller.some("accounts") or {}).get("source_id")}
    return OF_NO_DEAL | {f"{table.removesuffix('s')}_id": row["source_id"]}


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
def activity_of_one_told_later(seller: Seller) -> None:
    """With a contact, and of a lead and a deal, of whom the source tells the next time."""
    of_account = {"account_id": (seller.some("accounts") or {}).get("source_id")}
    for table, column in WHOM.items():
        known = {row["source_id"] for row in seller.tables[table]}
        named = {row.get(column) or "" for row in seller.tables["activities"]}
        for later in sorted(it for it in named - known if it.startswith("later")):
            if table == "opportunities":
                seller.deal(before(seller), source_id=later, **of_account)
            else:
                seller.add(table, later, created_at=before(seller), **of_account)
        seller.made += 1
        seller.act(today(seller), **OF_NO_DEAL | {column: f"later{seller.made}"})


@event
def party_is_of_another_account(seller: Seller) -> None:
    """Activities with it name no account."""
    for table in ("contacts", "leads"):
        if row := seller.some(table):
            seller.act(before(seller), **OF_NO_DEAL | {f"{table[:-1]}_id": row["source_id"]})
            row["account_id"] = (seller.some("accounts") or {}).get("source_id")


@event
def contact_vanished(seller: Seller) -> None:
    if contact := seller.some("contacts"):
        seller.act(before(seller), **OF_NO_DEAL | {"contact_id": contact["source_id"]})
        seller.tables["contacts"].remove(contact)


@event
def activity_vanished(seller: Seller) -> None:
    seller.tables["activities"].remove(seller.some("activities") or {})


@event
def activity_deleted(seller: Seller) -> None:
    (seller.some("activities") or {})["is_deleted"] = True


@event
def step_planned(seller: Seller) -> None:
    """Steps of which the source says that they are planned; of one only when it is due."""
    for hours in (-50, 10, 30, 300):
        due_at = seller.now + hours * HOUR
        seller.act(before(seller, 20), is_done="no", due_at=due_at, direction="out")
    seller.act(seller.now + 40 * HOUR, is_done="no")


@event
def step_done(seller: Seller) -> None:
    """Of a step that is done at last, the source may tell when it had been planned."""
    step = seller.act(before(seller, 40), is_done="no", due_at=before(seller, 10))
    for other in [it for it in _steps(seller) if it is not step][-3:]:
        told = seller.draw.choice([before(seller, 30), None])
        other.update(is_done="yes", occurred_at=today(seller), planned_at=told)


@event
def step_put_off(seller: Seller) -> None:
    _step(seller)["due_at"] = seller.now + seller.draw.randint(1, 90) * HOUR


@event
def step_deleted(seller: Seller) -> None:
    _step(seller)["is_deleted"] = True


def _steps(seller: Seller) -> list[Row]:
    return [row for row in seller.tables["activities"] if row.get("is_done") == "no"]


def _step(seller: Seller) -> Row:
    """A step that is planned; a new one where there is none."""
    if steps := _steps(seller):
        return seller.draw.choice(steps)
    return seller.act(before(seller, 20), is_done="no")


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
