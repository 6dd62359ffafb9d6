"""The world's event log replayed: what was so at any moment, in local time and one currency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import Ints, to_moment
from ingestion.sandbox.world.render import OFFICES, source_ids, team_names
from ingestion.sandbox.world.schema import (
    ACTIVITY_TYPES,
    CHANNELS,
    CURRENCIES,
    DEAL_TYPES,
    ENTITIES,
    LEAD_SOURCES,
    NONE,
    NULL,
    PIPELINES,
    PLANS,
    PRODUCTS,
    REGIONS,
    SEGMENTS,
    STAGES,
)
from ingestion.sandbox.world.store import Array
from tests.truth.calendar import Calendar, Office, first_day, month_of_day
from tests.truth.closing import STATUS, effective_moves
from tests.truth.people import Memberships
from tests.truth.table import Tall

ORDER = np.array([stage.order for stage in STAGES])
PROBABILITY_PERCENT = np.array([round(stage.probability * 100) for stage in STAGES])
OWNER_CUTS = ("rep", "team", "manager", "region", "segment")
DEAL_CUTS = (*OWNER_CUTS, "lead_source", "product", "deal_type", "pipeline")
ONE, MILLIONTHS_OF_A_CENT = 1_000_000, 10_000
LENGTH = {"month": 1, "quarter": 3, "year": 12}
"""Months in a period."""
FIELDS = {
    entity: {c.name: i for i, c in enumerate(columns)} for entity, columns in ENTITIES.items()
}


@dataclass(frozen=True)
class History(Calendar):
    """A world seen from one moment, with the company's calendar and currency.

    Event logs give all that changes; of the stores only columns that never change are read.
    """

    world: World
    currency: str
    as_of: int
    loads: tuple[int, ...] = ()
    """Moments at which the company's users were loaded; none: now alone."""
    office: Office = field(default_factory=Office)
    _changes: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, world: World, timezone: str, fiscal_year_start_month: int, currency: str,
        as_of: datetime | None, loads: Sequence[datetime] = (), office: Office | None = None,
    ) -> History:  # fmt: skip
        """The history of a world up to a moment (naive: UTC; none: the world's now).

        It was loaded at the moments `loads` (none: now alone), which tell of teams.
        """
        moment = to_moment(world.now if as_of is None else as_of)
        loaded = tuple(sorted(map(to_moment, loads)))
        return cls(
            timezone, fiscal_year_start_month, world, currency, moment, loaded, office or Office()
        )

    def fact(self, entity: str, column: str) -> Array:
        """A column that never changes, one value per row ever created."""
        if self.world.state[entity].columns[column].tracked:
            raise KeyError(f"{entity}.{column} changes: replay it from the log")
        return self.world.state[entity][column]

    def told(self, entity: str, column: str) -> pd.DataFrame:
        """Values a tracked column ever took, in order of their telling: `at, id, old, new`."""
        log = self.world.state.logs[entity]
        rows = np.flatnonzero(log["field"] == FIELDS[entity][column])
        rows = rows[np.argsort(log["at"][rows], kind="stable")]
        return pd.DataFrame({name: log[name][rows] for name in ("at", "id", "old", "new")})

    @cached_property
    def moves(self) -> pd.DataFrame:
        """Moves of deals between stages up to as-of, as `effective_moves` dates them."""
        deals = self.world.state["opportunities"]
        moves = effective_moves(
            self.told("opportunities", "stage"), deals["closed_at"], deals["close_date"], self
        )
        return moves[moves["at"] <= self.as_of].sort_values("at", kind="stable")

    def changes(self, entity: str, column: str) -> pd.DataFrame:
        """Values a tracked column took up to as-of, in order: `at, id, old, new`.

        Those of a deal's stage are its `moves`.
        """
        if (entity, column) == ("opportunities", "stage"):
            return self.moves
        key = (entity, column)
        if key not in self._changes:
            told = self.told(entity, column)
            self._changes[key] = told[told["at"] <= self.as_of].reset_index(drop=True)
        return self._changes[key]

    def value_at(self, entity: str, column: str, moment: Ints | int | None = None) -> Array:
        """A tracked column of every row as it was at a moment, or at a moment per row."""
        changes = self.changes(entity, column)
        at, row, new = (changes[name].to_numpy() for name in ("at", "id", "new"))
        if moment is not None:
            known = at <= np.broadcast_to(moment, len(self.world.state[entity]))[row]
            row, new = row[known], new[known]
        kind = self.world.state[entity].columns[column]
        values: Array = np.full(len(self.world.state[entity]), kind.null, kind.dtype)
        values[row] = new
        return values

    @cached_property
    def happened_at(self) -> Ints:
        """When each activity happened, as told up to as-of; NULL where it is planned still."""
        occurred_at = self.fact("activities", "occurred_at")
        is_plan = self.fact("activities", "is_plan") == 1
        happened = np.where(is_plan, self.value_at("activities", "done_at"), occurred_at)
        return np.where(happened <= self.as_of, happened, NULL)

    @cached_property
    def today(self) -> int:
        """Day number of as-of in the company's time zone."""
        return int(self.local_day(np.array([self.as_of]))[0])

    def convert(self, cents: Ints, currency: Ints, day: Ints | int) -> Ints:
        """Cents in the company's currency at the latest rate on or before `day`, half up.

        What is negative is rounded as it would be without its sign.
        """
        cents = np.asarray(cents, np.int64)
        known = cents != NULL
        whole, rest = np.divmod(np.abs(cents[known]) * self._rates(currency, day, known), ONE)
        converted = cents.copy()
        converted[known] = np.sign(cents[known]) * (whole + (rest >= ONE // 2))
        return converted

    def convert_exact(self, millionths: Ints, currency: Ints, day: Ints | int) -> Ints:
        """Cents, half up, of amounts in millionths of a unit: else as `convert`."""
        amounts = np.asarray(millionths, np.int64)
        rates = self._rates(currency, day, np.ones(len(amounts), bool))
        cents, parts = np.divmod(amounts, MILLIONTHS_OF_A_CENT)
        whole, rest = np.divmod(cents * rates, ONE)
        rest = rest * MILLIONTHS_OF_A_CENT + parts * rates
        return whole + (2 * rest + ONE * MILLIONTHS_OF_A_CENT) // (2 * ONE * MILLIONTHS_OF_A_CENT)

    def _rates(self, currency: Ints, day: Ints | int, rows: Array) -> Ints:
        """Millionths of the company's currency for one of each row's, at its day."""
        currency = np.asarray(currency)
        days = np.broadcast_to(np.asarray(day, np.int64), len(currency))[rows]
        currency = currency[rows]
        target = CURRENCIES.index(self.currency)
        rates = np.full(len(currency), ONE)
        quoted, source = self.fact("fx_rates", "day"), self.fact("fx_rates", "from_currency")
        to_target = (self.fact("fx_rates", "to_currency") == target) & (quoted <= self.today)
        for code in range(len(CURRENCIES)):
            of_it = np.flatnonzero(currency == code)
            if code == target or not len(of_it):
                continue
            quotes = np.flatnonzero(to_target & (source == code))
            latest = np.searchsorted(quoted[quotes], days[of_it], "right") - 1
            if (latest < 0).any():
                raise ValueError(f"no {CURRENCIES[code]} rate on or before the first day asked for")
            rates[of_it] = self.fact("fx_rates", "rate")[quotes][latest]
        return rates

    @cached_property
    def users(self) -> pd.DataFrame:
        """One row per user: region and segment as codes; role; days of service."""
        return pd.DataFrame(
            {
                "region": self.fact("users", "region").astype(np.int64),
                "segment": self.fact("users", "segment").astype(np.int64),
                "role": self.fact("users", "role"),
                "hired_on": self.fact("users", "hired_on"),
                "left_on": self.value_at("users", "left_on"),
            }
        )

    @cached_property
    def team_labels(self) -> list[str]:
        """Team names in alphabetical order; a team's code is its position."""
        return sorted([*OFFICES.values(), *team_names(self.world.state)])

    @cached_property
    def team_codes(self) -> Ints:
        """Codes of the teams of sales by number."""
        return np.array([self.team_labels.index(name) for name in team_names(self.world.state)])

    @cached_property
    def memberships(self) -> Memberships:
        """Teams and managers of the users, as the versions that were loaded tell them."""
        moments = self.loads or (to_moment(self.world.now),)
        return Memberships.of(self.world.state, moments, self.team_labels, self.team_codes)

    def owner_cuts(self, owner: Ints, moment: Ints | int | None = None) -> pd.DataFrame:
        """Codes of the cuts that an owner has: rep, team, manager, region, segment.

        Team and manager are those of the moment (none: as-of).
        """
        owner = np.asarray(owner, np.int64)
        at = np.broadcast_to(np.asarray(self.as_of if moment is None else moment), len(owner))
        columns = {"rep": owner}
        columns["team"], columns["manager"] = self.memberships.at(owner, at)
        for cut in ("region", "segment"):
            columns[cut] = np.where(owner == NONE, NONE, self.users[cut].to_numpy()[owner])
        return pd.DataFrame(columns)

    def deal_cuts(self, deal: Ints, owner: Ints, moment: Ints | int | None = None) -> pd.DataFrame:
        """Codes of every cut of deals credited to these owners, in their teams of the moment.

        Region and segment are the deal's own, else its owner's.
        """
        cuts = self.owner_cuts(owner, moment)
        for cut in ("region", "segment"):
            own = self.fact("opportunities", cut)[deal].astype(np.int64)
            cuts[cut] = np.where(own == NONE, cuts[cut], own)
        for cut in ("lead_source", "product", "deal_type", "pipeline"):
            cuts[cut] = self.fact("opportunities", cut)[deal].astype(np.int64)
        return cuts

    def status_at(self, deal: Ints, moment: Ints) -> Array:
        """Status of deals, each at a moment of its own."""
        asked = pd.DataFrame({"id": deal, "at": moment, "nth": np.arange(len(deal))})
        known = self.moves[["at", "id", "new"]].sort_values("at", kind="stable")
        found = pd.merge_asof(asked.sort_values("at"), known, on="at", by="id")
        return STATUS[found.sort_values("nth")["new"].to_numpy(np.int64)]

    def deals_at(self, moment: int) -> pd.DataFrame:
        """Every deal that existed at a moment, as it then was."""
        created = self.fact("opportunities", "created_at")
        frame = pd.DataFrame(
            {
                name: self.value_at("opportunities", name, moment)
                for name in ("stage", "amount", "currency", "close_date", "owner_id", "is_deleted",
                             "merged_into_id")
            }
        )  # fmt: skip
        frame["created_at"] = created
        frame = frame[created <= moment]
        frame["status"] = STATUS[frame["stage"].to_numpy()]
        frame["is_alive"] = (frame["is_deleted"] == 0) & (frame["merged_into_id"] == NONE)
        return frame

    @cached_property
    def closings(self) -> pd.DataFrame:
        """The last closing up to as-of of each deal that has one, by deal: `at`, `is_bare`."""
        closings = self.moves[self.moves["is_closing"]]
        return closings.groupby("id")[["at", "is_bare"]].last()

    @cached_property
    def deals(self) -> pd.DataFrame:
        """All deals as of now, with cuts and reporting amounts.

        Closed deals are credited to the owner at close and converted at the rate of the (local)
        closing day; open ones to the current owner at the as-of day's. `deal` is the row number,
        `closed_at` the closing by the rule, `is_bare` whether a day gives it, `cents` the reporting
        amount (0 without one), `has_amount` whether there is one, `is_alive` whether the deal is
        neither deleted nor merged.
        """
        frame = self.deals_at(self.as_of).rename_axis("deal").reset_index()
        deal, is_closed = frame["deal"].to_numpy(), (frame["status"] != "open").to_numpy()
        at = self.closings["at"].reindex(deal, fill_value=NULL)
        closed_at = np.where(is_closed, at, self.as_of)
        moments = np.full(len(self.world.state["opportunities"]), self.as_of)
        moments[deal] = closed_at
        frame["closed_at"] = np.where(is_closed, closed_at, NULL)
        frame["is_bare"] = (
            is_closed & self.closings["is_bare"].reindex(deal, fill_value=False).to_numpy()
        )
        frame["owner"] = self.value_at("opportunities", "owner_id", moments)[deal].astype(np.int64)
        frame["closed_day"] = self.local_day(closed_at)
        frame["cents"] = self.convert(frame["amount"], frame["currency"], frame["closed_day"])
        frame["has_amount"] = frame["amount"] != NULL
        frame["cents"] = frame["cents"].where(frame["has_amount"], 0)
        frame["first_contact_at"] = self.fact("opportunities", "first_contact_at")[deal]
        frame["is_closed"] = is_closed
        frame["closed_month"] = month_of_day(frame["closed_day"].to_numpy())
        frame["created_month"] = self.month(frame["created_at"])
        cuts = self.deal_cuts(deal, frame["owner"], closed_at)
        return pd.concat([frame, cuts], axis=1)

    @cached_property
    def live_deals(self) -> pd.DataFrame:
        """Those of `deals` that are neither deleted nor merged."""
        return self.deals[self.deals["is_alive"]].reset_index(drop=True)

    def tall(self) -> Tall:
        """An empty table of cells that knows the keys of every cut."""

        def among(values: Sequence[str]) -> Callable[[Array], Array]:
            return lambda code: np.array(values, object)[code]

        def rows_of(entity: str) -> Callable[[Array], Array]:
            return lambda code: np.array(source_ids(entity, code).to_pylist(), object)

        labels = {
            "rep": rows_of("users"), "manager": rows_of("users"), "team": among(self.team_labels),
            "region": among(REGIONS), "segment": among(SEGMENTS),
            "product": among((*PRODUCTS, *sorted(PLANS))),
            "lead_source": among(LEAD_SOURCES), "deal_type": among(DEAL_TYPES),
            "pipeline": among(PIPELINES), "channel": among(CHANNELS),
            "stage": among(self.world.state.stage_labels),
            "campaign": rows_of("campaigns"), "activity_type": among(ACTIVITY_TYPES),
        }  # fmt: skip
        return Tall(self.fiscal_year_start_month, labels)

    @cached_property
    def this_month(self) -> int:
        """The local month of as-of."""
        return int(self.month(np.array([self.as_of]))[0])

    def period_ends(self, tall: Tall, grain: str, first: int) -> list[tuple[int, int, int]]:
        """Per period from month `first` to now: its first month, last moment and last day.

        The current period, and the grain all, end now.
        """
        if grain == "all":
            return [(0, self.as_of, self.today)]
        months = np.unique(tall.period(self.begun_months(first), grain))
        ends = [self.month_start(int(month) + LENGTH[grain]) - 1 for month in months]
        days = first_day(months + LENGTH[grain]) - 1
        return [
            (int(month), min(end, self.as_of), min(int(day), self.today))
            for month, end, day in zip(months, ends, days, strict=True)
        ]

    def begun_months(self, first: int) -> Ints:
        """The local months from `first` to the one of as-of."""
        return np.arange(first, self.this_month + 1)
