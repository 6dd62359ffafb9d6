"""Columnar state that grows, and the append-only event log of what changed in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ingestion.sandbox.world.calendar import DAY, START, Ints, day_number
from ingestion.sandbox.world.causes import Causes
from ingestion.sandbox.world.schema import ENTITIES, RELABELLED, STAGE_LABELS, Column

Array = npt.NDArray[Any]

LOG_COLUMNS: dict[str, type] = {
    "at": np.int64, "id": np.int32, "field": np.int8, "old": np.int64, "new": np.int64,
    "by": np.int32,
}  # fmt: skip
"""One event: moment, row, index of the column in `ENTITIES[entity]`, values as stored, user."""


def _each(value: Any, dtype: npt.DTypeLike, count: int) -> Array:
    """A value for each of so many rows; what is one for all is repeated."""
    values: Array = np.asarray(value, dtype)
    return values if values.shape == (count,) else np.full(count, values)


class Store:
    """Rows of one entity as numpy columns; a row's id is its position."""

    def __init__(self, entity: str) -> None:
        self.entity = entity
        self.columns: dict[str, Column] = {c.name: c for c in ENTITIES[entity]}
        self.columns["updated_at"] = Column("updated_at", "moment")
        self.count = 0
        self._data: dict[str, Array] = {
            name: np.empty(1024, column.dtype) for name, column in self.columns.items()
        }

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, name: str) -> Array:
        return self._data[name][: self.count]

    def append(self, count: int, values: dict[str, Any]) -> Ints:
        """Add `count` rows; columns not given are null. Returns the new ids."""
        unknown = values.keys() - self.columns.keys()
        if unknown:
            raise KeyError(f"{self.entity} has no column {sorted(unknown)}")
        first, last = self.count, self.count + count
        if not count:
            return np.arange(first, last)
        for name, column in self.columns.items():
            data = self._data[name]
            if last > len(data):
                grown: Array = np.empty(max(last, len(data) * 3 // 2), column.dtype)
                grown[:first] = data[:first]
                self._data[name] = data = grown
            data[first:last] = values.get(name, column.null)
        self.count = last
        return np.arange(first, last)

    def load(self, arrays: dict[str, Array]) -> None:
        """Replace all rows."""
        self._data = {name: arrays[name] for name in self.columns}
        self.count = len(arrays["updated_at"])


class Log:
    """Every value that tracked columns of one entity ever took, in order of recording."""

    def __init__(self) -> None:
        self._chunks: dict[str, list[Array]] = {name: [] for name in LOG_COLUMNS}

    def append(self, **values: Any) -> None:
        """Add events; scalars are repeated to the length of `id`."""
        size = len(values["id"])
        for name, dtype in LOG_COLUMNS.items():
            self._chunks[name].append(_each(values[name], dtype, size))

    def __getitem__(self, name: str) -> Array:
        chunks = self._chunks[name]
        if len(chunks) != 1:
            joined = np.concatenate(chunks) if chunks else np.empty(0, LOG_COLUMNS[name])
            self._chunks[name] = chunks = [joined]
        return chunks[0]

    def load(self, arrays: dict[str, Array]) -> None:
        """Replace all events."""
        self._chunks = {name: [arrays[name]] for name in LOG_COLUMNS}


@dataclass
class State:
    """All that the simulation knows: the stores, the logs, and how far it has come."""

    seed: int
    scale: float
    causes: Causes
    day: int = day_number(START)
    """The next day to simulate; everything before it has happened."""
    stores: dict[str, Store] = field(
        default_factory=lambda: {entity: Store(entity) for entity in ENTITIES}
    )
    logs: dict[str, Log] = field(
        default_factory=lambda: {
            entity: Log() for entity, columns in ENTITIES.items() if any(c.tracked for c in columns)
        }
    )

    def __getitem__(self, entity: str) -> Store:
        return self.stores[entity]

    @property
    def now(self) -> int:
        """The moment at which the next day begins."""
        return self.day * DAY

    @property
    def is_relabelled(self) -> bool:
        """Whether the stages that get another name have it by now."""
        return self.day > day_number(self.causes.relabelled_on)

    @property
    def stage_labels(self) -> tuple[str, ...]:
        """The names that the stages have now."""
        renamed = RELABELLED if self.is_relabelled else {}
        return tuple(renamed.get(code, label) for code, label in enumerate(STAGE_LABELS))

    def rng(self, stream: int) -> np.random.Generator:
        """The day's random numbers for one part of the simulation."""
        return np.random.default_rng([self.seed, self.day, stream])

    def create(
        self, entity: str, count: int, at: Ints | int, by: Ints | int = -1, **values: Any
    ) -> Ints:
        """Add rows at moments `at`; initial values of tracked columns go to the log."""
        ids = self.stores[entity].append(count, {**values, "updated_at": at})
        if entity not in self.logs or not count:
            return ids
        told = [
            (index, column.null, _each(values[column.name], np.int64, count))
            for index, column in enumerate(ENTITIES[entity])
            if column.tracked and column.name in values
        ]
        known = [np.flatnonzero(new != null) for _, null, new in told]
        sizes = [len(rows) for rows in known]
        if not any(sizes):
            return ids
        rows = np.concatenate(known)
        self.logs[entity].append(
            at=_each(at, np.int64, count)[rows], id=ids[rows], by=_each(by, np.int32, count)[rows],
            field=np.repeat([index for index, _, _ in told], sizes),
            old=np.repeat([null for _, null, _ in told], sizes),
            new=np.concatenate([new[part] for (_, _, new), part in zip(told, known, strict=True)]),
        )  # fmt: skip
        return ids

    def change(
        self, entity: str, ids: Ints, name: str, new: Any, at: Ints | int, by: Ints | int = -1
    ) -> None:
        """Set a tracked column of distinct rows; rows that have the value already stay as is."""
        if not len(ids):
            return
        data = self.stores[entity][name]
        count, new = len(ids), _each(new, data.dtype, len(ids))
        differs = np.flatnonzero(data[ids] != new)
        if not len(differs):
            return
        ids, new = ids[differs], new[differs]
        moments = _each(at, np.int64, count)[differs]
        users = _each(by, np.int32, count)[differs]
        index = next(i for i, c in enumerate(ENTITIES[entity]) if c.name == name)
        self.logs[entity].append(at=moments, id=ids, field=index, old=data[ids], new=new, by=users)
        data[ids] = new
        self.touch(entity, ids, moments)

    def touch(self, entity: str, ids: Ints, at: Ints | int) -> None:
        """Mark rows as modified at `at`."""
        updated = self.stores[entity]["updated_at"]
        updated[ids] = np.maximum(updated[ids], at)
