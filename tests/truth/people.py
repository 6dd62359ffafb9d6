"""Truth of who belonged to which team, as far as the users' loaded versions tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.sandbox.world.calendar import Ints
from ingestion.sandbox.world.render import OFFICES
from ingestion.sandbox.world.schema import NONE, NULL
from ingestion.sandbox.world.store import State


@dataclass(frozen=True)
class Memberships:
    """Versions of all users, one per load: rows are loads, columns users.

    `since` is the moment of the user's last change that the load saw, NULL (always) for the first
    version of a user; `team` is the position of the label, `manager` a user or -1.
    """

    since: Ints
    team: Ints
    manager: Ints

    @classmethod
    def of(
        cls, state: State, loads: tuple[int, ...], labels: list[str], codes: Ints
    ) -> Memberships:
        """What loads at these moments, in order, saw; `codes` are those of the teams by number."""
        team = codes[np.maximum(_seen(state, "team_number", loads), 0)]
        role = state["users"]["role"]
        for staff, office in OFFICES.items():
            team[:, role == staff] = labels.index(office)
        return cls(_since(state, loads), team, _seen(state, "manager_id", loads))

    def at(self, user: Ints, moment: Ints) -> tuple[Ints, Ints]:
        """Teams and managers of users (-1: nobody), each at a moment of its own."""
        version = (self.since[:, user] <= moment).sum(axis=0) - 1
        team, manager = self.team[version, user], self.manager[version, user]
        return np.where(user == NONE, NONE, team), np.where(user == NONE, NONE, manager)


def _seen(state: State, column: str, loads: tuple[int, ...]) -> Ints:
    """A tracked column at each load; of a user who came later, the first value."""
    log, users = state.logs["users"], state["users"]
    field = list(users.columns).index(column)
    rows = np.flatnonzero(log["field"] == field)
    rows = rows[np.argsort(log["at"][rows], kind="stable")]
    first = np.full(len(users), users.columns[column].null, np.int64)
    first[log["id"][rows[::-1]]] = log["new"][rows[::-1]]
    found = []
    for load in loads:
        known = rows[log["at"][rows] < load]
        values = first.copy()
        values[log["id"][known]] = log["new"][known]
        found.append(values)
    return np.array(found)


def _since(state: State, loads: tuple[int, ...]) -> Ints:
    """When each load saw that each user was last changed; NULL up to the first that saw them."""
    log = state.logs["users"]
    changed = np.full((len(loads), len(state["users"])), NULL)
    for row, load in zip(changed, loads, strict=True):
        known = log["at"] < load
        np.maximum.at(row, log["id"][known], log["at"][known])
    is_first = (changed != NULL).cumsum(axis=0) <= 1
    return np.where(is_first, NULL, changed)
