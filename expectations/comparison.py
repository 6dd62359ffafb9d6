"""What the last publication had, beside what would be published now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingestion.warehouse.duckdb_sql import literal

MIN_SHARE = 0.8
"""The share of what was published that must still be there."""


@dataclass(frozen=True)
class Comparison:
    """A count of rows or a total: `before` in the last publication, and `now`.

    `explained` is how much of `before` the sources themselves have taken away or corrected since.
    """

    measure: str
    before: float
    now: float
    explained: float = 0

    @property
    def share(self) -> float:
        """What there is now of what there should be; 1 where nothing need be left."""
        expected = self.before - self.explained
        return self.now / expected if expected > 0 else 1.0

    def __str__(self) -> str:
        return f"{self.measure}: {self.now:,.0f} of {self.before:,.0f}"


def as_query(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as SQL: `compared`, what it tells, and `share`."""
    rows = [
        f"select {literal(one)} as compared, cast({one.share!r} as double precision) as share"
        for one in comparisons
    ]
    nothing = (
        "select cast(null as varchar) as compared, cast(null as double precision) as share "
        "where false"
    )
    return " union all ".join(rows or [nothing])
