"""The medians of the others of dbt/macros/peers.sql, beside pandas' of the others' records."""

from __future__ import annotations

import duckdb
import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.macros import made_by_macro
from tests.thorough import IS_THOROUGH

GROUPS = ("a", "b")
REPS = ("ann", "bob", "cid", "dee")
ASKERS = pd.DataFrame([(group, rep) for group in GROUPS for rep in REPS], columns=["g", "rep_id"])
"""Everyone asks, with records of one's own or without."""
RECORDS = st.lists(
    st.tuples(st.sampled_from(GROUPS), st.sampled_from(REPS), st.integers(0, 4)), max_size=30
)


QUERY = made_by_macro(
    "medians_without_own",
    "askers",
    "records",
    ["g"],
    "hours",
    median=lambda value: f"median(cast({value} as double))",
)
"""What the macro makes of the tables `askers` and `records`."""


@settings(max_examples=500 if IS_THOROUGH else 60, deadline=None, derandomize=not IS_THOROUGH)
@given(RECORDS)
@example([("a", "ann", 1)])
@example([("a", "ann", 1), ("a", "ann", 1), ("a", "ann", 2), ("a", "bob", 1), ("a", "cid", 2)])
def test_medians_are_those_of_the_others_records(drawn: list[tuple[str, str, int]]) -> None:
    records = pd.DataFrame(drawn, columns=["g", "rep_id", "hours"])
    records = records.astype({"g": str, "rep_id": str, "hours": float})
    expected = []
    for group, rep in ASKERS.itertuples(index=False):
        others = records[(records["g"] == group) & (records["rep_id"] != rep)]
        if len(others):
            told = len(others), others["rep_id"].nunique(), others["hours"].median()
            expected.append((group, rep, *told))
    with duckdb.connect() as connection:
        connection.register("askers", ASKERS)
        connection.register("records", records)
        found = connection.execute(f"select * from ({QUERY}) order by g, rep_id").fetchall()
    assert found == expected
