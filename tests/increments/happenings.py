"""The events of a seller by name, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable

from tests.increments.seller import HOUR, Moment, Row, Seller

Event = Callable[[Seller], None]
EVENTS: dict[str, Event] = {}


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
