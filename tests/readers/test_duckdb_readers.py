"""Other versions of DuckDB read what is published: older ones, as in drivers, and newer ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Publish
from tests.kpis.companies import Published
from tests.readers.venvs import told, venv
from tests.thorough import thorough

VERSIONS = ("0.10.3", "1.0.0", "1.1.3", "1.2.2", "1.3.2", "1.4.4", "2.0.1")
LOOK = """
import duckdb, json, sys
from pathlib import Path

file, parquet = sys.argv[1:]
connection = duckdb.connect(file, read_only=True)
names = [row[0] for row in connection.execute(
    "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
).fetchall()]
words = "select {} from duckdb_{}() where schema_name = 'marts' and comment is not null order by 1"
print(json.dumps({
    "rows": {
        name: connection.execute(f'select count(*) from marts."{name}"').fetchone()[0]
        for name in names
    },
    "sums": connection.execute(
        "select metric, sum(numerator)::varchar, max(as_of)::varchar "
        "from salesops.marts.kpi_values group by 1 order by 1"
    ).fetchall(),
    "comments": [
        *connection.execute(words.format("table_name, comment", "tables")).fetchall(),
        *connection.execute(words.format("view_name, comment", "views")).fetchall(),
        *connection.execute(
            words.format("table_name || '.' || column_name, comment", "columns")
        ).fetchall(),
    ],
    "parquet": {
        path.stem: connection.execute(f"select count(*) from '{path}'").fetchone()[0]
        for path in sorted(Path(parquet).glob("*.parquet"))
    },
    "words": connection.execute(
        "select decode(key), decode(value) "
        f"from parquet_kv_metadata('{parquet}/kpi_values.parquet') order by 1"
    ).fetchall(),
}))
"""


@pytest.fixture
def company(published: Publish) -> Published:
    return published("edge_cases")


def found_by(company: Published, version: str) -> dict[str, Any]:
    """What a version of DuckDB sees of a publication, by the same questions."""
    published = company.folder / "published"
    folder = venv(f"duckdb-{version}", [f"duckdb=={version}"])
    seen: dict[str, Any] = json.loads(
        told(folder, LOOK, published / "salesops.duckdb", published / "parquet")
    )
    return seen


@thorough
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", VERSIONS)
def test_another_version_of_duckdb_sees_the_same(company: Published, version: str) -> None:
    found = found_by(company, version)
    rows = dict(
        company.marts(
            "select table_name, estimated_size from duckdb_tables() where schema_name = 'marts'"
        ).itertuples(index=False)
    )
    views = {name: count for name, count in found["rows"].items() if name not in rows}
    assert {name: found["rows"][name] for name in rows} == rows
    assert views["kpi_win_rate"] > 0
    assert sum(views.values()) == rows["kpi_values"]
    assert found["parquet"] == {name: rows[name] for name in rows if name != "kpi_members"}
    sums = company.marts(
        "select metric, sum(numerator)::varchar, max(as_of)::varchar "
        "from marts.kpi_values group by 1 order by 1"
    )
    assert found["sums"] == sums.values.tolist()
    comments = dict(found["comments"])
    assert comments["kpi_values.metric"] == "The metric's name in the KPI dictionary."
    assert comments.keys() >= {*rows, *views} - {"publication"}
    words = dict(found["words"])
    assert words["description"] == comments["kpi_values"]
    assert json.loads(words["columns"])["metric"] == comments["kpi_values.metric"]
