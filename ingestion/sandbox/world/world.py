"""The simulated company: create it, let days pass, look at its systems.

Everything follows from (seed, scale, causes): each day draws from its own random streams, so
`advance(1)` seven times and `advance(7)` give the same company to the bit.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingestion.sandbox.world.billing import found_customers, step_billing
from ingestion.sandbox.world.calendar import END, START, Ints, day_number, to_datetime, to_moment
from ingestion.sandbox.world.causes import Causes
from ingestion.sandbox.world.deals import step_deals
from ingestion.sandbox.world.demand import step_demand
from ingestion.sandbox.world.engagement import found_library, step_engagement
from ingestion.sandbox.world.next_steps import step_next_steps
from ingestion.sandbox.world.people import found_company, step_people
from ingestion.sandbox.world.quotas import step_quotas
from ingestion.sandbox.world.render import entity_table, history_rows, told_at, told_rows
from ingestion.sandbox.world.schema import ENTITIES
from ingestion.sandbox.world.store import LOG_COLUMNS, Array, State

TABLES = (*ENTITIES, "field_changes", "pipeline_stages")
"""Every name that `World.table` knows: the contract's entities, and what systems have beside."""
FORMAT = 5


class OtherFormatError(ValueError):
    """A saved world is of another version of the simulation."""


class World:
    """A B2B software company at a moment of its history.

    `state` holds the columns as stored and `state.logs` the event log: per entity, every value its
    tracked columns took (moment, row, field, old, new, by), the initial ones included. Columns
    that are not tracked never change; together they tell the company's whole history.
    """

    def __init__(self, state: State) -> None:
        self.state = state

    @classmethod
    def create(cls, seed: int = 7, scale: float = 1.0, causes: Causes | None = None) -> World:
        """The company after three years, from `START` to `END`.

        Scale 1 is some 60 reps, 20,000 deals and 300,000 activities; all grows in proportion.
        """
        world = cls.found(seed, scale, causes)
        world.advance(day_number(END) - day_number(START))
        return world

    @classmethod
    def found(cls, seed: int = 7, scale: float = 1.0, causes: Causes | None = None) -> World:
        """The company on the morning of its first day."""
        state = State(seed, scale, causes or Causes())
        found_company(state)
        found_library(state)
        found_customers(state)
        return cls(state)

    @property
    def now(self) -> datetime:
        """The present (aware, UTC): midnight after the last simulated day."""
        return to_datetime(self.state.now)

    @property
    def causes(self) -> Causes:
        """The true parameters behind the numbers."""
        return self.state.causes

    def advance(self, days: int = 1) -> None:
        """Let days pass."""
        for _ in range(days):
            step_people(self.state)
            step_quotas(self.state)
            step_demand(self.state)
            step_deals(self.state)
            step_engagement(self.state)
            step_next_steps(self.state)
            step_billing(self.state)
            self.state.day += 1

    def table(self, entity: str, rows: Ints | None = None) -> pa.Table:
        """Current state of an entity, in the contract's columns.

        Also `source_id`, `source_updated_at` (naive UTC, microseconds), `is_deleted`. Rows are in
        order of creation; `rows` selects some by position, as from `rows_changed_since`. Drafts of
        invoices are left out, unless `rows` names them.
        """
        if entity not in TABLES:
            raise KeyError(f"the world has no entity {entity!r}; it has {', '.join(TABLES)}")
        return entity_table(self.state, entity, rows)

    def count(self, entity: str) -> int:
        """Number of rows of a stored entity, deleted ones included."""
        return len(self.state[entity])

    def rows_changed_since(self, entity: str, moment: datetime) -> Ints:
        """Positions of the rows with `source_updated_at` at or after a moment (naive: UTC)."""
        since = to_moment(moment)
        if entity == "field_changes":
            rows = history_rows(self.state)
            return rows[told_at(self.state, rows) >= since]
        rows = told_rows(self.state, entity)
        return rows[self.state[entity]["updated_at"][rows] >= since]

    def save(self, folder: str | Path) -> None:
        """Write the whole world aside, then put it in place of the old one by renaming.

        A save that breaks off leaves the old world or the new one, whole.
        """
        folder = _settled(Path(folder))
        aside, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
        for leftover in (aside, old):
            shutil.rmtree(leftover, ignore_errors=True)
        aside.mkdir(parents=True)
        for entity, store in self.state.stores.items():
            _write(aside / f"{entity}.npz", {name: store[name] for name in store.columns})
        for entity, log in self.state.logs.items():
            _write(aside / f"{entity}.log.npz", {name: log[name] for name in LOG_COLUMNS})
        causes = {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in asdict(self.state.causes).items()
        }
        meta = {
            "format": FORMAT, "seed": self.state.seed, "scale": self.state.scale,
            "day": self.state.day, "causes": causes,
        }  # fmt: skip
        (aside / "world.json").write_text(json.dumps(meta, indent=2))
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
        shutil.rmtree(old, ignore_errors=True)

    @staticmethod
    def is_saved(folder: str | Path) -> bool:
        """Whether there is a world to load, a save that broke off included."""
        return (_settled(Path(folder)) / "world.json").exists()

    @classmethod
    def load(cls, folder: str | Path) -> World:
        """The world that `save` wrote. Raises OtherFormatError where that was another version."""
        folder = _settled(Path(folder))
        if not (folder / "world.json").exists():
            raise FileNotFoundError(f"no world in {folder}: create one and save it there")
        meta = json.loads((folder / "world.json").read_text())
        if meta["format"] != FORMAT:
            raise OtherFormatError(f"{folder} has format {meta['format']}, not {FORMAT}")
        state = State(meta["seed"], meta["scale"], _causes(meta["causes"]), meta["day"])
        for entity, store in state.stores.items():
            with np.load(folder / f"{entity}.npz") as arrays:
                store.load({name: arrays[name] for name in arrays.files})
        for entity, log in state.logs.items():
            with np.load(folder / f"{entity}.log.npz") as arrays:
                log.load({name: arrays[name] for name in arrays.files})
        return cls(state)


def _settled(folder: Path) -> Path:
    """The folder, with its old world put back where a save broke off between its renames."""
    old = folder.with_name(folder.name + ".old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    return folder


def _write(path: Path, arrays: dict[str, Array]) -> None:
    np.savez(path, allow_pickle=False, **arrays)


def _causes(values: dict[str, object]) -> Causes:
    defaults = asdict(Causes())
    parsed: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(defaults[name], date):
            value = date.fromisoformat(str(value))
        parsed[name] = tuple(value) if isinstance(value, list) else value
    return Causes(**parsed)  # type: ignore[arg-type]
