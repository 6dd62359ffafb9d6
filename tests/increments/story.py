"""What happens to a seller from build to build, by chance: the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.company.reading import load_company
from tests.increments.comparing import Difference
from tests.increments.days import Build, Days
from tests.increments.events import EVENTS, OF_RECORDS, SETTINGS
from tests.increments.finance_events import bill
from tests.increments.marketing_events import advertise
from tests.increments.seller import DAY, HOUR, Seller

FOUNDED = dt.datetime(2024, 1, 29, 22)
"""Two days before a fiscal year ends, in winter."""
DEALS = 36
KINDS = (
    *("day", "day", "busy day", "busy day", "busy day", "quiet day", "two days", "two loads"),
    *("a month", "not published", "clock set back", "load hidden", "setting changed"),
)
"""What a step from one build to the next may be."""
DAYS_OF = {"two days": 2, "a month": 31, "clock set back": -1}
EVENTS_OF = {"day": 3, "busy day": 20, "quiet day": 0}


@dataclass
class Story:
    """A seller, its warehouse, what has happened, and whether the last build was an increment."""

    seed: int
    seller: Seller
    folder: Path
    days: Days
    told: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    was_increment: bool = False

    @classmethod
    def begun(
        cls,
        seed: int,
        folder: Path,
        tells_history: bool = True,
        warehoused: type[Days] = Days,
        **settings: object,
    ) -> Story:
        """A seller that is loaded and built for the first time; `settings` of its company file."""
        seller = Seller.founded(seed, FOUNDED, DEALS, tells_history)
        advertise(seller)
        bill(seller)
        seller.settings.update(settings)
        file = folder / "company" / "company.yml"
        days = warehoused(lambda: load_company(file), folder / "whole")
        story = cls(seed, seller, file.parent, days)
        story._load()
        days.build(story.plan())
        return story

    def plan(self) -> Build:
        """How to build as of the seller's now."""
        plan = self.days.plan(self.seller.now, self.seller.now)
        self.was_increment = plan.is_increment
        how = f"whole: {plan.plan.doubt}" if plan.plan.doubt else "an increment"
        self.told.append(f"  build {self.days.builds} as of {self.seller.now}: {how}")
        return plan

    def step(self, kind: str, events: Sequence[str] | None = None) -> list[Difference]:
        """Let time pass, load, build in place, and say what differs from a whole build."""
        self.pass_time(kind, events)
        plan = self.plan()
        self.days.build(plan)
        found = self.days.differences(plan)
        if kind != "not published":
            self.days.publish(self.seller.now, self.seller.now)
        return found

    def pass_time(self, kind: str, events: Sequence[str] | None = None) -> None:
        """Let events happen, those of the kind by chance where none are given, and load."""
        draw = random.Random(f"{self.seed} {len(self.told)} {kind}")
        self.told.append(f"{kind}, seed {self.seed}")
        self._finish_hidden()
        by_chance = draw.choices(sorted(OF_RECORDS), k=EVENTS_OF.get(kind, 6))
        if kind == "day":
            by_chance += draw.choices(sorted(EVENTS.keys() - OF_RECORDS), k=2)
        self.seller.now += DAYS_OF.get(kind, 1) * DAY
        if kind == "two loads":
            self.seller.now -= 5 * HOUR
            self._happen(draw.choices(sorted(EVENTS), k=6))
            self._load()
            self.seller.now += 5 * HOUR
        self._happen(by_chance if events is None else events)
        if kind == "setting changed":
            name = draw.choice(sorted(SETTINGS))
            self.told.append(f"  {name}")
            self.seller.settings.update(SETTINGS[name])
        loads = self._load()
        if kind == "load hidden":
            self._set_status(loads, 1)
            self.hidden = loads

    def _happen(self, events: Sequence[str]) -> None:
        for name in events:
            self.seller.draw = random.Random(f"{self.seed} {len(self.told)} {name}")
            self.told.append(f"  {name}")
            EVENTS[name](self.seller)

    def _load(self) -> list[str]:
        self.seller.write(self.folder)
        return self.days.load(self.seller.now)

    def _finish_hidden(self) -> None:
        """Let the load finish that had not."""
        self._set_status(self.hidden, 0)
        self.hidden = []

    def _set_status(self, loads: list[str], status: int) -> None:
        for load in loads:
            self.days.execute(
                "update raw_files._dlt_loads set status = ? where load_id = ?", [status, load]
            )
