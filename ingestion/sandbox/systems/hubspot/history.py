"""The history of deal properties, from the world's event log."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.sandbox.systems.hubspot.schema import FORECAST_CATEGORIES, HISTORY
from ingestion.sandbox.systems.hubspot.text import iso
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.render import history_rows, render, source_ids
from ingestion.sandbox.world.schema import ENTITIES, NONE, NULL, Column

FIELDS = {column.name: index for index, column in enumerate(ENTITIES["opportunities"])}
Changes = list[dict[str, object]]


class DealHistory:
    """Every value that the deals' tracked properties took, newest first, as HubSpot lists them.

    `first_user_id` is the user id of the world's first user.
    """

    def __init__(self, world: World, first_user_id: int) -> None:
        self._first_user_id = first_user_id
        log, told = world.state.logs["opportunities"], history_rows(world.state)
        self._events = {
            name: _newest_first(
                log["id"][wanted], log["at"][wanted], log["new"][wanted], log["by"][wanted]
            )
            for name, field in HISTORY.items()
            if field != "close_date"
            for wanted in [told[log["field"][told] == FIELDS[field]]]
        }
        self._events["closedate"] = _close_dates(log["field"], log["id"], log["at"], log["new"],
                                                 log["by"])  # fmt: skip

    def of(self, rows: Ints, names: Sequence[str]) -> list[dict[str, Changes]]:
        """The history of some properties of some deals, a mapping by property for each row."""
        found: list[dict[str, Changes]] = [{} for _ in rows]
        for name in names:
            if name not in self._events:
                continue
            deals, moments, values, users = self._events[name]
            starts = np.searchsorted(deals, rows, "left")
            stops = np.searchsorted(deals, rows, "right")
            events = _ranges(starts, stops)
            changes = self._changes(name, moments[events], values[events], users[events])
            position = 0
            for history, count in zip(found, (stops - starts).tolist(), strict=True):
                history[name] = changes[position : position + count]
                position += count
        return found

    def _changes(self, name: str, moments: Ints, values: Ints, users: Ints) -> Changes:
        texts = _value_texts(name, values)
        times = _iso(moments)
        return [
            {
                "value": text or "",
                "timestamp": moment,
                "sourceType": "INTEGRATION" if user == NONE else "CRM_UI",
                **(
                    {}
                    if user == NONE
                    else {
                        "sourceId": f"userId:{user + self._first_user_id}",
                        "updatedByUserId": user + self._first_user_id,
                    }
                ),
            }
            for text, moment, user in zip(texts, times, users.tolist(), strict=True)
        ]


def _newest_first(deals: Ints, moments: Ints, values: Ints, users: Ints) -> tuple[Ints, ...]:
    backwards = slice(None, None, -1)
    order = np.lexsort((np.arange(len(deals))[backwards], -moments, deals))
    return deals[order], moments[order], values[order], users[order]


def _close_dates(
    field: Ints, deals: Ints, moments: Ints, values: Ints, users: Ints
) -> tuple[Ints, ...]:
    """Expected dates as midnights, and on closing the moment itself, as HubSpot sets it."""
    is_closing = (field == FIELDS["closed_at"]) & (values != NULL)
    events = np.flatnonzero(is_closing | (field == FIELDS["close_date"]))
    events = events[np.lexsort((is_closing[events], moments[events], deals[events]))]
    following = np.append(events[1:], -1)
    replaced = (
        (deals[events] == deals[following])
        & (moments[events] == moments[following])
        & is_closing[following]
    )
    replaced[-1:] = False
    events = events[~replaced]
    closes_at = np.where(is_closing[events], values[events], values[events] * DAY)
    return _newest_first(deals[events], moments[events], closes_at, users[events])


def _ranges(starts: Ints, stops: Ints) -> Ints:
    """All positions of half-open ranges, one after another."""
    counts = stops - starts
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(stops - ends, counts)


def _value_texts(name: str, values: Ints) -> list[str | None]:
    if name == "closedate":
        return _iso(values)
    if name == "dealstage":
        return source_ids("pipeline_stages", values).to_pylist()
    column: Column = ENTITIES["opportunities"][FIELDS[HISTORY[name]]]
    texts = pc.cast(render(column, values), pa.string()).to_pylist()
    if name == "hs_manual_forecast_category":
        return [FORECAST_CATEGORIES.get(text, text) for text in texts]
    return texts


def _iso(moments: Ints) -> list[str | None]:
    return iso(pa.array(moments).view(pa.timestamp("us"))).to_pylist()
