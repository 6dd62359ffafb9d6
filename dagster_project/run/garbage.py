"""How often Python looks for garbage that counting references leaves."""

from __future__ import annotations

import gc

THRESHOLDS = (2_000, 20, 100)


def collect_seldom() -> None:
    """Have everything that lives gone through once where it was a dozen times.

    Dagster, dbt and Great Expectations are a million objects that live as long as the process:
    going through them was an eighth of what a run of a small company took.
    """
    gc.set_threshold(*THRESHOLDS)
