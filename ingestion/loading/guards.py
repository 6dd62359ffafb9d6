"""What a load refuses, whatever the source: a whole list that has shrunk too much."""

from __future__ import annotations

from ingestion.errors import SourceError

MIN_SHARE = 0.8
ENOUGH = 10
"""Of fewer records than this, a share says nothing where one of several accounts has them."""


def refuse_shrunk(what: str, unit: str, now: int, before: int, otherwise: str = "") -> None:
    """Stop a load whose list has lost many rows: a broken one would delete records.

    Raises SourceError that names `what` was read, in `unit`, and what else it may be.
    """
    if now < MIN_SHARE * before:
        raise SourceError(
            f"{what} has {now:,} {unit}, the last one had {before:,}. One below {MIN_SHARE:.0%} of "
            "the last one is refused, and nothing of this source was loaded. If it is right, run "
            f"again with FORCE=1{otherwise}"
        )
