"""The state of every deal at a moment, replayed from the record and its field changes."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from tests.oracle.records import Records

REPLAYED = ("stage", "amount", "close_date", "owner_id")
EARLIEST = pd.Timestamp("1900-01-01")


def deals_at(records: Records, moment: pd.Timestamp) -> pd.DataFrame:
    """Deals that existed at a UTC moment, as they then were.

    Columns: `id`, the record's own ones, `status`, `probability`, `closed_at`, `removal` (merged,
    deleted or None), `begins_at` (created or first changed; NaT: unknown), `credited_to` (owner at
    close, else of then).
    """
    changes = records["changes"]
    deals = records["deals"].assign(id=records["deals"]["source_id"])
    first = _lookup(changes.groupby("entity_id")["changed_at"].min(), deals)
    deals["begins_at"] = pd.concat([deals["created_at"], first], axis=1).min(axis=1)
    deals = deals[~(deals["created_at"] > moment) & ~(deals["begins_at"] > moment)].copy()
    changes = changes[changes["entity_id"].isin(deals["id"])]
    settled = _stage_after_history(records, deals, changes, moment)
    for field in REPLAYED:
        deals[field] = _replay(deals, changes, field, moment, settled if field == "stage" else None)
    deals = deals.merge(_stages_of(records, deals), on=["pipeline", "stage"], how="left")
    deals["status"] = deals["status"].fillna("open")
    deals["closed_at"] = _closed_at(records, deals, changes, moment)
    deals["removal"] = _removal(deals, changes, moment)
    deals["credited_to"] = _owner_at_close(records, deals, changes)
    return deals


def _lookup(of_deals: pd.Series, deals: pd.DataFrame) -> pd.Series:
    """The values of a series by deal id, in the order of the deals."""
    return of_deals.reindex(deals["id"]).set_axis(deals.index)


def _stages_of(records: Records, deals: pd.DataFrame) -> pd.DataFrame:
    """Status and probability of the stages, per pipeline that deals are in."""
    stages = records["stages"]
    pairs = deals[["pipeline", "stage"]].drop_duplicates()
    known = {(p, s): (status, prob) for p, s, status, prob in stages.itertuples(index=False)}
    found = [known.get((p, s), (None, None)) for p, s in pairs.itertuples(index=False)]
    pairs["status"] = [status for status, _ in found]
    pairs["probability"] = [None if prob is None else Decimal(prob) for _, prob in found]
    return pairs


def _replay(
    deals: pd.DataFrame,
    changes: pd.DataFrame,
    field: str,
    moment: pd.Timestamp,
    settled: pd.Series | None = None,
) -> pd.Series:
    """A field's value: the last change's new one, else the next one's old one.

    After the last change of all it is the record's own (a rename leaves no change behind), or
    what `settled` says.
    """
    values = dict(zip(deals["id"], deals[field] if settled is None else settled, strict=True))
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


def _closed_stages(records: Records) -> set[tuple[str | None, str]]:
    stages = records["stages"]
    closed = stages[stages["status"] != "open"]
    return set(zip(closed["pipeline"], closed["stage"], strict=True))


def _stage_after_history(
    records: Records, deals: pd.DataFrame, changes: pd.DataFrame, moment: pd.Timestamp
) -> pd.Series:
    """The stage after a deal's last recorded move: the record's own.

    Where the history does not tell of the closing, the deal had not closed before the record's
    closing moment: it was where the history leaves it, or nobody knows where (None).
    """
    moves = changes[changes["field"] == "stage"].sort_values("changed_at", kind="stable")
    last = dict(zip(moves["entity_id"], moves["new_value"], strict=True))
    closed = _closed_stages(records)
    is_later = deals["closed_at"].fillna(records.moments(deals["close_date"])) > moment
    stages = [
        last.get(id) if later and (pipeline, stage) in closed and last.get(id) != stage else stage
        for id, pipeline, stage, later in zip(
            deals["id"], deals["pipeline"], deals["stage"], is_later, strict=True
        )
    ]
    return pd.Series(stages, index=deals.index, dtype=object)


def _closed_at(
    records: Records, deals: pd.DataFrame, changes: pd.DataFrame, moment: pd.Timestamp
) -> pd.Series:
    """When closed deals closed: the record's moment, else the last move to closed, else a day."""
    closed = _closed_stages(records)
    pipeline = dict(zip(deals["id"], deals["pipeline"], strict=True))
    moves = changes[(changes["field"] == "stage") & (changes["changed_at"] <= moment)]
    into = [
        (pipeline[d], s) in closed
        for d, s in zip(moves["entity_id"], moves["new_value"], strict=True)
    ]
    moved = (
        moves[pd.Series(into, index=moves.index, dtype=bool)]
        .groupby("entity_id")["changed_at"]
        .max()
    )
    closed_at = (
        deals["closed_at"].where(deals["closed_at"] <= moment)
        .fillna(_lookup(moved, deals))
        .fillna(records.moments(deals["close_date"]))
    )  # fmt: skip
    return closed_at.where(deals["status"] != "open")


def _removal(deals: pd.DataFrame, changes: pd.DataFrame, moment: pd.Timestamp) -> pd.Series:
    """Why a deal does not count: merged into another, or deleted, at that moment."""
    merges = changes[changes["field"] == "merged_into_id"].groupby("entity_id")["changed_at"].max()
    updated = deals["source_updated_at"].fillna(EARLIEST)
    merged = deals["merged_into_id"].notna() & (_lookup(merges, deals).fillna(updated) <= moment)
    recorded = (deals["is_deleted"] & (updated <= moment)).map({True: "true", False: "false"})
    deleted = _replay(deals.assign(is_deleted=recorded), changes, "is_deleted", moment) == "true"
    removal = pd.Series(None, index=deals.index, dtype=object)
    return removal.mask(deleted, "deleted").mask(merged, "merged")


def _owner_at_close(records: Records, deals: pd.DataFrame, changes: pd.DataFrame) -> pd.Series:
    """The owner when the deal closed; of an open deal, and where nothing says when, the owner."""
    owners = dict(zip(deals["id"], deals["owner_id"], strict=True))
    moves = changes[changes["field"] == "owner_id"].sort_values("changed_at", kind="stable")
    closed = deals.set_index("id")["closed_at"].dropna()
    for deal, history in moves[moves["entity_id"].isin(closed.index)].groupby("entity_id"):
        later = history[history["changed_at"] > closed[deal]]
        if len(later):
            owners[deal] = later["old_value"].iloc[0]
    return pd.Series([owners[deal] for deal in deals["id"]], index=deals.index, dtype=object)
