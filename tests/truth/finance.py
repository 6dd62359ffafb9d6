"""Truth of the finance metrics: recurring revenue, retention, cash, what a customer costs."""

from __future__ import annotations

from tests.truth.cash import Invoices, add_cash
from tests.truth.customers import Customers
from tests.truth.history import History
from tests.truth.recurring import Recurring, add_recurring
from tests.truth.table import Tall


def add_finance(history: History, customers: Customers, tall: Tall) -> None:
    """All metrics of recurring revenue and cash."""
    recurring = Recurring(history)
    add_recurring(recurring, customers, tall)
    add_cash(Invoices(history), recurring, customers, tall)
