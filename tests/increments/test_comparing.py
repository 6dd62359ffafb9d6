"""What differs between two warehouses is found, row by row and as often as a row is there."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.increments.comparing import differences

ROWS = "(1, 'a'), (1, 'a'), (2, null)"


@pytest.mark.parametrize(
    ("in_place", "told"),
    [
        ("(2, null), (1, 'a'), (1, 'a')", None),
        ("(1, 'a'), (2, null)", "0 rows too many, 1 missing"),
        ("(1, 'a'), (1, 'a'), (1, 'a'), (1, 'a'), (2, null)", "2 rows too many, 0 missing"),
        ("(1, 'a'), (1, 'a'), (2, 'b')", "1 rows too many, 1 missing"),
        ("(1, 'a'), (1, 'a'), (2, null), (null, null)", "1 rows too many, 0 missing"),
    ],
)
def test_a_row_counts_as_often_as_it_is_there(
    tmp_path: Path, in_place: str, told: str | None
) -> None:
    file = tmp_path / "in_place.duckdb"
    made = "create schema marts; create table marts.deals (id integer, name text)"
    with duckdb.connect(file) as connection:
        connection.execute(f"{made}; insert into marts.deals values {in_place}")
    with duckdb.connect() as whole:
        whole.execute(f"{made}; insert into marts.deals values {ROWS}")
        found = [str(it).splitlines()[0] for it in differences(whole, file)]
    assert found == ([] if told is None else [f"marts.deals: {told}"])
