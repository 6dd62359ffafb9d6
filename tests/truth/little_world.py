"""Little worlds: a company of a few deals, each told by hand."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import DAY, to_moment
from ingestion.sandbox.world.people import REP
from ingestion.sandbox.world.schema import (
    FIRST_STAGE,
    GRAINS,
    MEASURES,
    NULL,
    NULL_DAY,
    STAGE_LABELS,
    STAGE_OPEN,
)
from ingestion.sandbox.world.store import State
from tests.truth.history import History

CENTS, MILLIONTHS = 100, 1_000_000


def moment(text: str) -> int:
    """The moment of an ISO date or time, UTC."""
    return to_moment(datetime.fromisoformat(text))


def day(text: str) -> int:
    """The day number of an ISO date."""
    return moment(text) // DAY


class LittleWorld:
    """A founded company without any deal but those that are told; `until` is its now (UTC)."""

    def __init__(self, until: str) -> None:
        self.world = World.found(seed=1, scale=0.1)
        self.state: State = self.world.state
        self.state.day = day(until)
        self.reps = np.flatnonzero(self.state["users"]["role"] == REP)

    def deal(
        self, created: str, close_date: str, amount: int = 100, owner: int | None = None
    ) -> int:
        """A new deal in dollars, in its first stage."""
        at, rep = moment(created), self.reps[0] if owner is None else owner
        return int(self.state.create(
            "opportunities", 1, at, created_at=at, owner_id=rep, pipeline=0, stage=FIRST_STAGE[0],
            amount=amount * CENTS, currency=0, close_date=day(close_date), is_open=1,
        )[0])  # fmt: skip

    def move(self, deal: int, at: str, stage: str) -> None:
        """A move to a stage that the history tells, and nothing else."""
        code = STAGE_LABELS.index(stage)
        self.change("opportunities", deal, at, "stage", code)
        self.state["opportunities"]["is_open"][deal] = STAGE_OPEN[code]

    def close(self, deal: int, at: str, stage: str, date: str | None = None) -> None:
        """A closing told at a moment, whose record has that moment, another one or a bare date."""
        recorded = date or at
        closed_at = moment(recorded) if len(recorded) > len("2023-01-01") else NULL
        self.move(deal, at, stage)
        self.change("opportunities", deal, at, "close_date", day(recorded[:10]))
        self.change("opportunities", deal, at, "closed_at", closed_at)

    def due(self, deal: int, at: str, close_date: str) -> None:
        """Another expected close date."""
        self.change("opportunities", deal, at, "close_date", day(close_date))

    def change(self, entity: str, row: int, at: str, column: str, value: int) -> None:
        """Any change of a tracked column."""
        self.state.change(entity, np.array([row]), column, value, moment(at))

    def quota(
        self, start: str, grain: str, amount: int, owner: int = -1, team: int | None = None,
        measure: str = "revenue",
    ) -> None:  # fmt: skip
        """A quota in dollars, deals or activities."""
        self.state.create(
            "quotas", 1, moment(start), owner_id=owner, period_start=day(start),
            team_number=NULL_DAY if team is None else team, period_grain=GRAINS.index(grain),
            measure=MEASURES.index(measure), amount=amount * CENTS, currency=0,
        )  # fmt: skip

    def history(self, timezone: str = "UTC") -> History:
        """The truth's view of it."""
        return History.of(self.world, timezone, 1, "USD", None)
