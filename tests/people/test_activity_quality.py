"""Activity beside outcome, worked out one by one, of people and touches drawn by chance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from tests.conftest import Publish

KEY = ["rep_id", "month_start", "activity_type"]
MONTHS = [dt.date(2024, 1, 1), dt.date(2024, 2, 1)]
TYPES = ["call", "email"]
ENOUGH = 10

Tables = Mapping[str, pd.DataFrame]


class Mart:
    """The mart's own SQL, as a run has compiled it, over any tables."""

    def __init__(self, statement: str, relations: Mapping[str, str]) -> None:
        self.statement, self.relations = statement, relations

    def of(self, tables: Tables) -> pd.DataFrame:
        """The mart of these tables, by its key."""
        with duckdb.connect() as connection:
            for database, schema in {tuple(it.split(".")[:2]) for it in self.relations.values()}:
                connection.execute(f"attach if not exists ':memory:' as {database}")
                connection.execute(f"create schema {database}.{schema}")
            for name, table in tables.items():
                connection.register("given", table)
                connection.execute(f"create table {self.relations[name]} as from given")
                connection.unregister("given")
            found = connection.execute(self.statement).df()
        return found.assign(month_start=pd.to_datetime(found["month_start"]).dt.date).set_index(KEY)


@pytest.fixture(scope="module")
def mart(published: Publish) -> Mart:
    edge_cases = published("edge_cases")
    [path] = (edge_cases.folder / "dbt" / "target" / "compiled").rglob("mart_activity_quality.sql")
    nodes = Dbt.of(load_company(edge_cases.company)).manifest()["nodes"]
    read = ("fct_activities", "int_touched_records", "int_rep_months", "dim_rep")
    relations = {it: nodes[f"model.salesops.{it}"]["relation_name"].replace('"', "") for it in read}
    return Mart(Path(path).read_text(encoding="utf-8"), relations)


def by_chance(seed: int, reps: int, *, advance: float | None = None) -> Tables:
    """People of several places, what they did, and what became of it; all alike at `advance`."""
    random = np.random.default_rng(seed)
    people, activities, touched = [], [], []
    names = [f"r{rep:03}" for rep in range(reps)]
    for rep in names:
        role = random.choice(["rep", "rep", "rep", "sdr", "manager"])
        segment = random.choice(["SMB", "Enterprise", None], p=[0.6, 0.3, 0.1])
        for month in MONTHS:
            if random.random() < 0.9:
                people.append(
                    {"rep_id": rep, "month_start": month, "role": role, "segment": segment,
                     "tenure_band": random.choice(["0-5", "24+"]), "is_peer": role != "manager"}
                )  # fmt: skip
            for kind in TYPES:
                share = random.random() if advance is None else advance
                count = int(random.choice([0, 3, 20, int(random.integers(1, 60))]))
                activities += [
                    {"rep_id": rep, "occurred_on": month + dt.timedelta(int(random.integers(28))),
                     "activity_type": kind, "has_happened": bool(random.random() < 0.95),
                     "content_id": random.choice(["deck", None])}
                    for _ in range(count)
                ]  # fmt: skip
                touched += [
                    {"rep_id": rep, "month_start": month, "activity_type": kind,
                     "is_judged": bool(random.random() < 0.9),
                     "has_advanced": bool(random.random() < share),
                     "has_content": bool(random.random() < 0.5)}
                    for _ in range(count // 2)
                ]  # fmt: skip
    # What was done by nobody, and on a day when its owner was not here.
    activities.append(activities[0] | {"rep_id": None})
    return {
        "fct_activities": pd.DataFrame(activities),
        "int_touched_records": pd.DataFrame(touched),
        "int_rep_months": pd.DataFrame(people),
        "dim_rep": pd.DataFrame({"rep_id": names, "rep_name": names}),
    }


def one_by_one(tables: Tables) -> pd.DataFrame:
    """The mart, each person compared with each other."""
    done = tables["fct_activities"].query("has_happened and rep_id.notna()").copy()
    done["month_start"] = [day.replace(day=1) for day in done["occurred_on"]]
    judged = tables["int_touched_records"].query("is_judged")
    number = done.groupby(KEY).size()
    records = judged.groupby(KEY).size()
    outcomes = judged[judged["has_advanced"]].groupby(KEY).size()
    places = {(it.rep_id, it.month_start): it for it in tables["int_rep_months"].itertuples()}
    rows = []
    for key, activities in number.items():
        rep, month, kind = key
        n, k = int(records.get(key, 0)), int(outcomes.get(key, 0))
        row = dict(zip(KEY, key, strict=True)) | {
            "activities": activities, "records": n, "outcomes": k, "is_enough_data": n >= ENOUGH,
            "rate": k / n if n else np.nan, "n_peers": 0, "peer_records": 0, "peer_group": None,
            "peer_rate": np.nan, "activities_percentile": np.nan, "low": np.nan, "high": np.nan,
            "is_busy_without_results": None,
        }  # fmt: skip
        if n:
            interval = binomtest(k, n).proportion_ci(method="wilson")
            row |= {"low": interval.low, "high": interval.high}
        place = places.get((rep, month))
        if place is not None and place.is_peer:
            near = ["role", "segment", "tenure_band"]
            for group, columns in (("role, segment and tenure", near), ("role", ["role"])):
                others = [
                    (it.rep_id, month, kind)
                    for it in places.values()
                    if it.month_start == month and it.rep_id != rep and it.is_peer
                    and all(getattr(it, c) == getattr(place, c) for c in columns)
                ]  # fmt: skip
                enough = sum(records.get(it, 0) >= ENOUGH for it in others)
                if enough < 3:
                    row["n_peers"] = enough
                    continue
                theirs = [number.get(it, 0) for it in others]
                below = sum(it < activities for it in theirs)
                ties = sum(it == activities for it in theirs)
                row |= {
                    "peer_group": group, "n_peers": enough,
                    "peer_records": sum(records.get(it, 0) for it in others),
                    "peer_rate": sum(outcomes.get(it, 0) for it in others)
                    / sum(records.get(it, 0) for it in others),
                    "activities_percentile": (below + ties / 2) / len(others),
                }  # fmt: skip
                if n >= ENOUGH:
                    row["is_busy_without_results"] = bool(
                        row["activities_percentile"] >= 0.75 and row["high"] < row["peer_rate"]
                    )
                break
            if row["peer_group"] is None:
                row["n_peers"] = 0
        rows.append(row)
    return pd.DataFrame(rows).set_index(KEY)


@pytest.mark.parametrize("seed", range(4))
def test_the_mart_is_what_comparing_one_by_one_gives(mart: Mart, seed: int) -> None:
    tables = by_chance(seed, reps=40)
    wanted = one_by_one(tables)
    found = mart.of(tables)[wanted.columns]
    found = found.astype(object).where(found.notna(), None)
    wanted = wanted.astype(object).where(wanted.notna(), None)
    pd.testing.assert_frame_equal(
        found.sort_index(), wanted.sort_index(), check_dtype=False, check_index_type=False
    )
    assert set(wanted["peer_group"]) == {"role, segment and tenure", "role", None}
    assert {True, False, None} <= set(wanted["is_busy_without_results"])


def test_who_is_like_all_others_is_rarely_called_busy_without_results(mart: Mart) -> None:
    found = mart.of(by_chance(5, reps=600, advance=0.3))["is_busy_without_results"].dropna()
    assert len(found) > 400
    assert found.mean() <= 0.025
