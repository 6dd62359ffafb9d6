"""Truth of the finance metrics: recurring revenue, retention, cash, what customers cost."""

from __future__ import annotations

from tests.truth.acquisition import add_acquisition
from tests.truth.cash import Invoices, add_cash
from tests.truth.customers import Customers
from tests.truth.history import History
from tests.truth.recurring import Recurring, add_recurring
from tests.truth.table import Tall


def add_finance(history: History, gross_margin: float | None, tall: Tall) -> None:
    """All metrics of customers and their money."""
    customers, recurring = Customers(history), Recurring(history)
    add_acquisition(history, customers, recurring, gross_margin, tall)
    add_recurring(recurring, customers, tall)
    add_cash(Invoices(history), recurring, customers, tall)
