"""Student's t of the models beside scipy's."""

from __future__ import annotations

import duckdb
import pytest
from scipy import stats

from tests.macros import made_by_macro


@pytest.mark.parametrize("degrees", [1, 2, 5, 8, 9, 10, 12, 20, 63, 89, 1000])
def test_t_is_right_where_it_is_used(degrees: int) -> None:
    sql = made_by_macro("t_once_in_forty", degrees, double_type=lambda: "double precision")
    [(value,)] = duckdb.sql(f"select {sql}").fetchall()
    assert value == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-5)
