"""Exchange rates."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from ingestion.sandbox.world.calendar import DAY, HOUR
from ingestion.sandbox.world.schema import CURRENCIES
from ingestion.sandbox.world.store import State

FIRST = (1.07, 1.21, 1 / 150, 3.25)
"""US dollars for one of each other currency on the first day."""
PAIRS = list(permutations(range(len(CURRENCIES)), 2))
TO_DOLLARS = [(PAIRS.index((code, 0)) - len(PAIRS), 1) for code in (1, 2)]
OF_A_DOLLAR = [(PAIRS.index((0, code)) - len(PAIRS), -1) for code in (3, 4)]
"""Where, from the end, the last rates are that tell each currency's worth, and to which power."""


def quote_rates(
    state: State, rng: np.random.Generator, more: np.random.Generator, day: int
) -> None:
    """A rate for every ordered pair of currencies, in millionths."""
    quoted, anchor = state["fx_rates"]["rate"], np.array(FIRST)
    last = anchor
    if len(quoted):
        last = np.array([(quoted[at] / 1e6) ** power for at, power in TO_DOLLARS + OF_A_DOLLAR])
    drift = np.exp(np.r_[rng.normal(0, 0.004, 2), more.normal(0, 0.004, 2)])
    worth = np.r_[1.0, last * drift * (anchor / last) ** 0.01]
    state.create(
        "fx_rates", len(PAIRS), day * DAY + HOUR // 2, day=day,
        from_currency=[of for of, _ in PAIRS], to_currency=[to for _, to in PAIRS],
        rate=[round(worth[of] / worth[to] * 1e6) for of, to in PAIRS],
    )  # fmt: skip
