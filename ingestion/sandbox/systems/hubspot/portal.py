"""What the HubSpot portal holds at a moment: its records by object type, rendered as JSON."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.sandbox.systems.faults import Drift
from ingestion.sandbox.systems.hubspot.history import DealHistory
from ingestion.sandbox.systems.hubspot.schema import (
    ACTIVITY_OBJECTS,
    LEAD_PIPELINE,
    OBJECTS,
    ObjectType,
    Property,
)
from ingestion.sandbox.systems.hubspot.text import iso
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import Ints, to_moment
from ingestion.sandbox.world.render import FIRST_ID, source_ids
from ingestion.sandbox.world.schema import (
    ACTIVITY_TYPES,
    LEAD_STATUSES,
    NONE,
    PIPELINES,
    STAGE_OPEN,
    STAGE_WON,
    STAGES,
)

BLOCK_ROWS = 2_000
BLOCKS_KEPT = 8
FIRST_USER_ID = 2_000_001
FIRST_USER_RECORD = 90_000_000_001
PIPELINE_IDS = ("default", "renewals")
"""HubSpot's ids of the world's pipelines: the first one is always called default."""


@dataclass(frozen=True)
class Records:
    """The records of one object type that are there, or were archived, in order of id.

    `rows` are positions in the world's store, `ids` HubSpot's ids, `modified` milliseconds since
    1970 UTC.
    """

    rows: Ints
    ids: Ints
    modified: Ints


@dataclass(frozen=True)
class Wanted:
    """What to show of each record."""

    properties: tuple[str, ...]
    history: tuple[str, ...] = ()


class Portal:
    """The world as a HubSpot portal shows it. Build a new one when the world has changed."""

    def __init__(self, world: World, drift: dict[str, Drift] | None = None) -> None:
        self.world = world
        self.now_ms = to_moment(world.now) // 1_000
        self._drift = drift or {}
        self._records: dict[tuple[str, bool], Records] = {}
        self._blocks: OrderedDict[tuple[object, ...], list[bytes]] = OrderedDict()
        self._history: DealHistory | None = None
        self._merged: dict[int, list[int]] | None = None

    def records(self, name: str, archived: bool = False) -> Records:
        """The records of an object type."""
        if (name, archived) not in self._records:
            for is_archived, rows in self._split(name):
                store = self.world.state[OBJECTS[name].entity]
                ids = np.asarray(rows, np.int64) + first_id(name)
                self._records[name, is_archived] = Records(
                    rows, ids, store["updated_at"][rows] // 1_000
                )
        return self._records[name, archived]

    def _split(self, name: str) -> tuple[tuple[bool, Ints], tuple[bool, Ints]]:
        store = self.world.state[OBJECTS[name].entity]
        rows = self.all_rows(name)
        gone = np.zeros(len(rows), bool)
        if "is_deleted" in store.columns:
            gone = store["is_deleted"][rows] == 1
        if name == "deals":
            gone |= store["merged_into_id"][rows] != NONE
        return (False, rows[~gone]), (True, rows[gone])

    def all_rows(self, name: str) -> Ints:
        """Positions in the world's store of an object type's records, archived ones included."""
        store = self.world.state[OBJECTS[name].entity]
        if name not in ACTIVITY_OBJECTS:
            return np.arange(len(store))
        codes = [ACTIVITY_TYPES.index(kind) for kind in ACTIVITY_OBJECTS[name]]
        return np.flatnonzero(np.isin(store["type"], codes))

    def properties(self, name: str) -> dict[str, Property]:
        """The properties that an object type has, drift included."""
        found = OBJECTS[name].by_name
        drift = self._drift.get(name, Drift())
        for removed in drift.removed:
            found.pop(removed, None)
        for retyped in drift.retyped:
            known = found[retyped]
            found[retyped] = Property(retyped, "string", known.column, is_custom=known.is_custom)
        for added in drift.added:
            found[added] = Property(added, "string", added, is_custom=True)
        return found

    def page(
        self, name: str, archived: bool, start: int, count: int, wanted: Wanted
    ) -> list[bytes]:
        """Records by position in the order of ids, each as a JSON object."""
        stop = min(start + count, len(self.records(name, archived).rows))
        found: list[bytes] = []
        while start < stop:
            number, offset = divmod(start, BLOCK_ROWS)
            block = self._block(name, archived, number, wanted)
            found += block[offset : offset + stop - start]
            start = (number + 1) * BLOCK_ROWS
        return found

    def _block(self, name: str, archived: bool, number: int, wanted: Wanted) -> list[bytes]:
        key = (name, archived, number, wanted)
        if key not in self._blocks:
            rows = self.records(name, archived).rows[number * BLOCK_ROWS :][:BLOCK_ROWS]
            self._blocks[key] = self.render(name, archived, rows, wanted)
            if len(self._blocks) > BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        return self._blocks[key]

    def render(self, name: str, archived: bool, rows: Ints, wanted: Wanted) -> list[bytes]:
        """Records by position in the world's store, each as a JSON object."""
        kind = OBJECTS[name]
        names = tuple(dict.fromkeys((*kind.always, *wanted.properties)))
        texts = self.texts(name, rows, names)
        history = self._history_of(name, rows, wanted.history)
        columns = [texts[found] for found in names]
        extra = {"archivedAt": texts[kind.modified]} if archived else {}
        return [
            orjson.dumps(
                {
                    "id": record[2],
                    "properties": dict(zip(names, record, strict=True)),
                    "createdAt": record[0],
                    "updatedAt": record[1],
                    "archived": archived,
                    **{key: values[position] for key, values in extra.items()},
                    **({"propertiesWithHistory": history[position]} if history else {}),
                }
            )
            for position, record in enumerate(zip(*columns, strict=True))
        ]

    def texts(self, name: str, rows: Ints, names: tuple[str, ...]) -> dict[str, list[str | None]]:
        """Property values of rows as HubSpot writes them: text or none."""
        properties = self.properties(name)
        drift = self._drift.get(name, Drift())
        table = self._table(name, rows)
        found: dict[str, list[str | None]] = {}
        for wanted in names:
            if wanted in drift.added:
                found[wanted] = [drift.added[wanted]] * len(rows)
            elif wanted in drift.retyped:
                found[wanted] = [drift.retyped[wanted]] * len(rows)
            elif wanted in properties:
                known = properties[wanted]
                found[wanted] = _text(table[known.column], known)
            else:
                found[wanted] = [None] * len(rows)
        return found

    def _history_of(
        self, name: str, rows: Ints, names: tuple[str, ...]
    ) -> list[dict[str, list[dict[str, object]]]]:
        if not names:
            return []
        if name != "deals":
            return [{} for _ in rows]
        if self._history is None:
            self._history = DealHistory(self.world, FIRST_USER_ID)
        removed = self._drift.get(name, Drift()).removed
        return self._history.of(rows, [wanted for wanted in names if wanted not in removed])

    def _table(self, name: str, rows: Ints) -> dict[str, pa.Array]:
        """The world's columns of rows, and those that only HubSpot has."""
        entity = OBJECTS[name].entity
        table = self.world.table(entity, rows)
        columns = {column: table[column].combine_chunks() for column in table.column_names}
        columns["record_id"] = pa.array(np.asarray(rows, np.int64) + first_id(name))
        if name == "contacts":
            columns |= dict(zip(("firstname", "lastname"), _names(columns["name"]), strict=True))
        elif name == "users":
            columns |= self._user_columns(columns, rows)
        elif name == "deals":
            columns |= self._deal_columns(columns, rows)
        elif name == "leads":
            codes = self.world.state["leads"]["status"][rows].astype(np.int64)
            columns["hs_pipeline"] = pa.array([LEAD_PIPELINE] * len(rows))
            columns["hs_pipeline_stage"] = pa.array(lead_stage_ids()).take(pa.array(codes))
        elif entity == "activities":
            columns |= self._activity_columns(columns, rows)
        return columns

    def _user_columns(self, columns: dict[str, pa.Array], rows: Ints) -> dict[str, pa.Array]:
        given, family = _names(columns["name"])
        return {
            "hs_given_name": given,
            "hs_family_name": family,
            "user_id": pa.array(rows + FIRST_USER_ID),
            "is_gone": pc.invert(columns["is_active"]),
            "created_at": columns["source_updated_at"],
        }

    def _deal_columns(self, columns: dict[str, pa.Array], rows: Ints) -> dict[str, pa.Array]:
        deals = self.world.state["opportunities"]
        stage = deals["stage"][rows].astype(np.int64)
        due = columns["close_date"].cast(pa.timestamp("us"))
        merged = self._merged_into()
        return {
            "closedate": pc.coalesce(columns["closed_at"], due),
            "stage_id": source_ids("pipeline_stages", stage),
            "pipeline_id": pa.array(PIPELINE_IDS).take(pa.array(deals["pipeline"][rows])),
            "is_closed": pa.array(~STAGE_OPEN[stage]),
            "is_won": pa.array(STAGE_WON[stage]),
            "hs_merged_object_ids": pa.array(
                [_joined(merged.get(int(row), [])) for row in rows], pa.string()
            ),
        }

    def _activity_columns(self, columns: dict[str, pa.Array], rows: Ints) -> dict[str, pa.Array]:
        """A plan is there from when it was made, and dated by when it is due; so is any task."""
        store = self.world.state["activities"]
        is_plan = pa.array(store["is_plan"][rows] == 1)
        planned_at = pa.array(store["occurred_at"][rows]).view(pa.timestamp("us"))
        is_due = pc.or_(pc.invert(columns["is_done"]), pc.equal(columns["type"], "task"))
        dated_at = pc.if_else(is_due, columns["due_at"], columns["occurred_at"])
        duration = pc.multiply(columns["duration_seconds"].cast(pa.int64()), 1_000)
        lasted = pc.coalesce(duration, pa.scalar(0, pa.int64())).cast(pa.duration("ms"))
        return {
            "created_at": pc.if_else(is_plan, planned_at, columns["source_updated_at"]),
            "dated_at": dated_at,
            "completed_at": pc.if_else(columns["is_done"], columns["occurred_at"], None),
            "duration_ms": duration,
            "ended_at": pc.add(dated_at, lasted.cast(pa.duration("us"))),
        }

    def _merged_into(self) -> dict[int, list[int]]:
        """The ids of the deals that were merged into each deal."""
        if self._merged is None:
            target = self.world.state["opportunities"]["merged_into_id"]
            self._merged = {}
            for row in np.flatnonzero(target != NONE):
                self._merged.setdefault(int(target[row]), []).append(int(row) + first_id("deals"))
        return self._merged

    def pipelines(self, name: str, removed: tuple[str, ...] = ()) -> list[dict[str, object]]:
        """The pipelines of deals or leads with their stages, less those of `removed` labels."""
        if name == "leads":
            stages = [
                _stage(stage_id, label, order, {"isClosed": str(order > 2).lower()})
                for order, (stage_id, label) in enumerate(
                    zip(lead_stage_ids(), LEAD_STATUSES, strict=True)
                )
            ]
            return [_pipeline(LEAD_PIPELINE, "Lead pipeline", 0, stages)]
        ids = source_ids("pipeline_stages", np.arange(len(STAGES))).to_pylist()
        labels = self.world.state.stage_labels
        return [
            _pipeline(PIPELINE_IDS[number], label, number, [
                _stage(ids[position], labels[position], stage.order, {
                    "isClosed": str(stage.status != "open").lower(),
                    "probability": str(stage.probability),
                })
                for position, stage in enumerate(STAGES)
                if stage.pipeline == number and labels[position] not in removed
            ])
            for number, label in enumerate(PIPELINES)
        ]  # fmt: skip


def first_id(name: str) -> int:
    """HubSpot's id of the record of the world's row 0."""
    return FIRST_USER_RECORD if name == "users" else FIRST_ID[OBJECTS[name].entity]


def lead_stage_ids() -> list[str]:
    """Ids of the stages of the lead pipeline, in the order of the world's lead statuses."""
    return [f"{status}-stage-id" for status in LEAD_STATUSES]


def _names(full: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Given and family names; the family name is all that follows the first space."""
    parts = pc.split_pattern(full, " ", max_splits=1)
    return pc.list_element(parts, 0), pc.list_element(parts, 1)


def _text(values: pa.Array, known: Property) -> list[str | None]:
    if pa.types.is_timestamp(values.type):
        values = iso(values)
    texts = pc.cast(values, pa.string()).to_pylist()
    if known.values is not None:
        return [known.values.get(text, text) for text in texts]
    return texts


def _joined(ids: list[int]) -> str | None:
    return ";".join(map(str, ids)) or None


def _pipeline(
    pipeline_id: str, label: str, order: int, stages: list[dict[str, object]]
) -> dict[str, object]:
    return {
        "id": pipeline_id, "label": label, "displayOrder": order, "archived": False,
        "createdAt": "2023-01-01T00:00:00Z", "updatedAt": "2023-01-01T00:00:00Z", "stages": stages,
    }  # fmt: skip


def _stage(stage_id: str, label: str, order: int, metadata: dict[str, str]) -> dict[str, object]:
    return {
        "id": stage_id, "label": label, "displayOrder": order, "archived": False,
        "createdAt": "2023-01-01T00:00:00Z", "updatedAt": "2023-01-01T00:00:00Z",
        "metadata": metadata, "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }  # fmt: skip


def object_type(name: str) -> ObjectType | None:
    """The object type of a name or type id as paths write them."""
    by_id = {found.type_id: found for found in OBJECTS.values()}
    return OBJECTS.get(name) or by_id.get(name)
