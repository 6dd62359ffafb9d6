"""Student's t of the models beside scipy's."""

from __future__ import annotations

import duckdb
import pytest
from jinja2 import Environment
from scipy import stats

from ingestion.paths import PROJECT

STATISTICS = PROJECT / "dbt" / "macros" / "statistics.sql"


@pytest.mark.parametrize("degrees", [1, 2, 5, 8, 9, 10, 12, 20, 63, 89, 1000])
def test_t_is_right_where_it_is_used(degrees: int) -> None:
    text = STATISTICS.read_text(encoding="utf-8")
    macro = text[text.index("{% macro t_once_in_forty") :]
    macro = macro[: macro.index("endmacro %}") + len("endmacro %}")]
    template = Environment().from_string(macro + "{{ t_once_in_forty(n) }}")
    sql = template.render(n=degrees, double_type=lambda: "double precision")
    [(value,)] = duckdb.sql(f"select {sql}").fetchall()
    assert value == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-5)
