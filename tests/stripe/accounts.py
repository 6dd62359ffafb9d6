"""A simulated company's account at Stripe, served for real, and what a load of it becomes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from books import Books

from ingestion.sandbox.systems.stripe.api import StripeApi
from tests.sandbox.traps import upset


@dataclass
class Account(Books):
    """Books of a simulated company's account."""

    api: StripeApi = field(kw_only=True)

    def pass_days(self, days: int = 1) -> None:
        """Serve the world days later, at the end of an evening on which all went wrong."""
        later = copy.deepcopy(self.api.world)
        later.advance(days)
        upset(later)
        self.api.show(later)
