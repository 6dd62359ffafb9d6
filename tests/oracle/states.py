"""The state of every deal at a moment: by the closing rule, and replayed from its field changes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache

import pandas as pd

from tests.oracle.closing import Change, Span, Timeline, Version, timeline
from tests.oracle.records import Records

REPLAYED = ("amount", "close_date", "owner_id")
EARLIEST = pd.Timestamp("1900-01-01")


def deals_at(records: Records, moment: pd.Timestamp) -> pd.DataFrame:
    """Deals that existed at a UTC moment, as they then were.

    Columns: `id`, the record's own ones, `status`, `probability`, `closed_at`, `closed_on_a_day`
    (the record's bare date says when), `removal` (merged, deleted or None), `begins_at` (created,
    else first changed; NaT: unknown), `credited_to` (owner at close, else of then).
    """
    changes = records["changes"]
    deals = records["deals"].assign(id=records["deals"]["source_id"])
    first = _lookup(changes.groupby("entity_id")["changed_at"].min(), deals)
    deals["begins_at"] = deals["created_at"].fillna(first)
    deals = deals[~(deals["begins_at"] > moment)].copy()
    changes = changes[changes["entity_id"].isin(deals["id"])]
    for field in REPLAYED:
        deals[field] = _replay(deals, changes, field, moment)
    lives = timelines(records)
    stays = [lives[id].at(moment) for id in deals["id"]]
    deals["stage"] = pd.Series([s.stage for s in stays], index=deals.index, dtype=object)
    deals["status"] = pd.Series([s.status for s in stays], index=deals.index, dtype=object)
    deals["probability"] = _probabilities(records, deals)
    closed_at = [lives[id].closed_at(moment) for id in deals["id"]]
    deals["closed_at"] = pd.Series(closed_at, index=deals.index, dtype="datetime64[us]")
    last = [lives[id].closing for id in deals["id"]]
    deals["closed_on_a_day"] = [
        closing is not None and closing.is_bare and closing.at == at
        for closing, at in zip(last, closed_at, strict=True)
    ]
    deals["removal"] = _removal(deals, changes, moment)
    deals["credited_to"] = _owner_at_close(deals, changes)
    return deals


@cache
def timelines(records: Records) -> Mapping[str, Timeline]:
    """The life of each deal by its id."""
    moves = records["changes"][records["changes"]["field"] == "stage"]
    told = {
        deal: [
            Change(at, old, new)
            for at, old, new in history[["changed_at", "old_value", "new_value"]].itertuples(
                index=False
            )
        ]
        for deal, history in moves.groupby("entity_id", sort=False)
    }
    statuses: dict[str | None, dict[str, str]] = {}
    for pipeline, stage, status, _ in records["stages"].itertuples(index=False):
        statuses.setdefault(pipeline, {})[stage] = status
    until = records.until
    return {
        deal.source_id: timeline(
            None if pd.isna(deal.created_at) else deal.created_at,
            told.get(deal.source_id, []),
            deal.stage,
            _record_date(records, deal.closed_at, deal.close_date),
            [Version(_seen_at(records, deal.source_updated_at), deal.stage)],
            statuses.get(deal.pipeline, {}),
            until,
        )
        for deal in records["deals"].itertuples(index=False)
    }


def _seen_at(records: Records, source_updated_at: pd.Timestamp) -> pd.Timestamp:
    return records.loaded_at if pd.isna(source_updated_at) else source_updated_at


def _record_date(records: Records, closed_at: pd.Timestamp, close_date: str | None) -> Span | None:
    """What the record says of its closing; a local midnight is a bare day."""
    if pd.isna(closed_at):
        if close_date is None:
            return None
        closed_at = records.utc(close_date)
    return Span(closed_at, records.last_instant(closed_at))


def removals_at(records: Records, moment: pd.Timestamp) -> dict[str, str]:
    """The deals that were removed by a moment, and why."""
    deals = records["deals"].assign(id=records["deals"]["source_id"])
    removal = _removal(deals, records["changes"], moment)
    return dict(zip(deals["id"][removal.notna()], removal.dropna(), strict=True))


def _lookup(of_deals: pd.Series, deals: pd.DataFrame) -> pd.Series:
    """The values of a series by deal id, in the order of the deals."""
    return of_deals.reindex(deals["id"]).set_axis(deals.index)


def _probabilities(records: Records, deals: pd.DataFrame) -> pd.Series:
    """Probabilities of the stages that deals are in; None where a stage is unknown."""
    known = {
        (pipeline, stage): None if probability is None else Decimal(probability)
        for pipeline, stage, _, probability in records["stages"].itertuples(index=False)
    }
    places = zip(deals["pipeline"], deals["stage"], strict=True)
    return pd.Series([known.get(place) for place in places], index=deals.index, dtype=object)


def _replay(
    deals: pd.DataFrame, changes: pd.DataFrame, field: str, moment: pd.Timestamp
) -> pd.Series:
    """A field's value: the last change's new one, else the next one's old one.

    After the last change of all it is the record's own: the source knows best.
    """
    values = dict(zip(deals["id"], deals[field], strict=True))
    of_field = changes[changes["field"] == field].sort_values("changed_at", kind="stable")
    past, future = (
        of_field[of_field["changed_at"] <= moment],
        of_field[of_field["changed_at"] > moment],
    )
    upcoming = future.groupby("entity_id", sort=False)["old_value"].nth(0)
    next_old = dict(zip(future.loc[upcoming.index, "entity_id"], upcoming, strict=True))
    latest = past.groupby("entity_id", sort=False)["new_value"].nth(-1)
    last_new = dict(zip(past.loc[latest.index, "entity_id"], latest, strict=True))
    for deal, old in next_old.items():
        values[deal] = last_new.get(deal, old)
    return pd.Series([values[deal] for deal in deals["id"]], index=deals.index, dtype=object)


def _removal(deals: pd.DataFrame, changes: pd.DataFrame, moment: pd.Timestamp) -> pd.Series:
    """Why a deal does not count: merged into another, or deleted, at that moment."""
    merges = changes[changes["field"] == "merged_into_id"].groupby("entity_id")["changed_at"].max()
    updated = deals["source_updated_at"].fillna(EARLIEST)
    merged_at = _lookup(merges, deals).fillna(updated)
    merged = deals["id"].isin(_merged(deals, merged_at[merged_at <= moment]))
    recorded = (deals["is_deleted"] & (updated <= moment)).map({True: "true", False: "false"})
    deleted = _replay(deals.assign(is_deleted=recorded), changes, "is_deleted", moment) == "true"
    removal = pd.Series(None, index=deals.index, dtype=object)
    return removal.mask(deleted, "deleted").mask(merged, "merged")


def _merged(deals: pd.DataFrame, merged_at: pd.Series) -> set[str]:
    """The deals that live on in another: into a known one, and of a circle all but one."""
    said = deals.loc[merged_at.index]
    said = said[said["merged_into_id"].isin(set(deals["id"]))]
    into = dict(zip(said["id"], said["merged_into_id"], strict=True))
    when = dict(zip(deals.loc[merged_at.index, "id"], merged_at, strict=True))
    is_deleted = dict(zip(deals["id"], deals["is_deleted"], strict=True))
    for deal in list(into):
        way = [deal]
        while (heir := into.get(way[-1])) and heir not in way:
            way.append(heir)
        if heir:
            circle = sorted(way[way.index(heir) :])
            circle.sort(key=lambda one: when[one], reverse=True)
            del into[min(circle, key=lambda one: bool(is_deleted[one]))]
    return set(into)


def _owner_at_close(deals: pd.DataFrame, changes: pd.DataFrame) -> pd.Series:
    """The owner when the deal closed; of an open deal, and where nothing says when, the owner."""
    owners = dict(zip(deals["id"], deals["owner_id"], strict=True))
    moves = changes[changes["field"] == "owner_id"].sort_values("changed_at", kind="stable")
    closed = deals.set_index("id")["closed_at"].dropna()
    for deal, history in moves[moves["entity_id"].isin(closed.index)].groupby("entity_id"):
        later = history[history["changed_at"] > closed[deal]]
        if len(later):
            owners[deal] = later["old_value"].iloc[0]
    return pd.Series([owners[deal] for deal in deals["id"]], index=deals.index, dtype=object)
