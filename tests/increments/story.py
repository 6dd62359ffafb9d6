"""What happens to a seller from build to build, by chance: the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.company.reading import load_company
from tests.increments.comparing import Difference
from tests.increments.days import Days
from tests.increments.events import EVENTS, SETTINGS
from tests.increments.seller import DAY, HOUR, Seller

FOUNDED = dt.datetime(2024, 1, 29, 22)
"""Two days before a fiscal year ends, in winter."""
DEALS = 36
KINDS = (
    *("day", "day", "day", "busy day", "busy day", "quiet day", "two days", "two loads"),
    *("a month", "not published", "clock set back", "load hidden", "setting changed"),
)
"""What a step from one build to the next may be."""
DAYS_OF = {"two days": 2, "a month": 31, "clock set back": -1}
EVENTS_OF = {"day": 4, "busy day": 16, "quiet day": 0}


@dataclass
class Story:
    """A seller, its warehouse, what has happened, and how the last build was made."""

    seed: int
    seller: Seller
    folder: Path
    days: Days
    told: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    how: str = ""

    @classmethod
    def begun(cls, seed: int, folder: Path, tells_history: bool = True) -> Story:
        """A seller that is loaded and built for the first time."""
        seller = Seller.founded(seed, FOUNDED, DEALS, tells_history)
        file = folder / "company" / "company.yml"
        days = Days(lambda: load_company(file), folder / "whole")
        story = cls(seed, seller, file.parent, days)
        story._load()
        days.build(story.values())
        return story

    def values(self) -> dict[str, str]:
        """The values of a build as of the seller's now."""
        values = self.days.values(self.seller.now, self.seller.now)
        self.how = values["SALESOPS_BUILD"]
        self.told.append(f"  build {self.days.builds} as of {self.seller.now}: {self.how}")
        return values

    def step(self, kind: str, events: Sequence[str] | None = None) -> list[Difference]:
        """Let time pass, load, build in place, and say what differs from a whole build."""
        self.pass_time(kind, events)
        values = self.values()
        self.days.build(values)
        found = self.days.differences(values)
        if kind != "not published":
            self.days.publish(self.seller.now, self.seller.now)
        return found

    def pass_time(self, kind: str, events: Sequence[str] | None = None) -> None:
        """Let events happen, those of the kind by chance where none are given, and load."""
        draw = random.Random(f"{self.seed} {len(self.told)} {kind}")
        self.told.append(f"{kind}, seed {self.seed}")
        self._finish_hidden()
        by_chance = draw.choices(sorted(EVENTS), k=EVENTS_OF.get(kind, 6))
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
        with self.days.opened() as connection:
            connection.execute(
                "update raw_files._dlt_loads set status = ? where load_id in (select unnest(?))",
                [status, loads],
            )
