"""Python's data frames read the Parquet files: the same rows, types that fit, and the words."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Publish
from tests.kpis.companies import Published
from tests.readers.venvs import told, venv
from tests.thorough import thorough

LOOK = """
import datafusion, json, polars, sys
from pathlib import Path

seen = {}
for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
    frame = polars.read_parquet(path)
    assert datafusion.SessionContext().read_parquet(str(path)).count() == len(frame)
    seen[path.stem] = {
        "rows": len(frame),
        "columns": frame.columns,
        "words": polars.read_parquet_metadata(path)["description"],
        "types": sorted({str(kind.base_type()) for kind in frame.dtypes}),
    }
values = polars.read_parquet(Path(sys.argv[1]) / "kpi_values.parquet")
print(json.dumps({"tables": seen, "sum": str(values["numerator"].sum())}))
"""
TYPES = {"String", "Decimal", "Int64", "Int32", "Float64", "Boolean", "Date", "Datetime"}


@pytest.fixture
def company(published: Publish) -> Published:
    return published("edge_cases")


def files(company: Published) -> dict[str, Path]:
    """The Parquet files, by table."""
    return {path.stem: path for path in (company.folder / "published/parquet").glob("*.parquet")}


def test_arrow_reads_the_same_rows(company: Published) -> None:
    published = company.folder / "published" / "salesops.duckdb"
    for table, path in files(company).items():
        arrow = pq.read_table(path)
        assert not [field for field in arrow.schema if isinstance(field.type, pa.ExtensionType)]
        with duckdb.connect(published, read_only=True) as connection:
            connection.register("arrow", arrow)
            differ = connection.execute(
                f"""select count(*) from (
                    (from marts."{table}" except all from arrow)
                    union all (from arrow except all from marts."{table}"))"""
            ).fetchone()
        assert differ == (0,), table


def test_every_field_has_the_words_of_its_column(company: Published) -> None:
    comments = company.marts(
        "select table_name, column_name, comment from duckdb_columns() "
        "where schema_name = 'marts' and comment is not null"
    )
    by_table = {
        table: dict(zip(of_table["column_name"], of_table["comment"], strict=True))
        for table, of_table in comments.groupby("table_name")
    }
    for table, path in files(company).items():
        schema = pq.read_schema(path)
        told_of = {
            field.name: field.metadata[b"description"].decode()
            for field in schema
            if field.metadata
        }
        assert told_of == by_table.get(table, {})
        assert schema.metadata.keys() == {b"description"}
    assert len(by_table) > 40


def test_pandas_reads_numbers_as_numbers(company: Published) -> None:
    values = pd.read_parquet(files(company)["kpi_values"])
    assert pd.api.types.is_float_dtype(values["value"])
    assert pd.api.types.is_datetime64_any_dtype(values["as_of"])
    won = values[(values["metric"] == "deals_won") & (values["period_grain"] == "all")]
    won = won[(won["variant"] == "default") & (won["dimension"] == "company")]
    assert won["value"].tolist() == [company.kpi("deals_won")]


@thorough
@pytest.mark.timeout(1800)
def test_polars_and_datafusion_read_them(company: Published) -> None:
    folder = venv("frames", ["polars==2.1.0", "datafusion==55.0.0"])
    found = json.loads(told(folder, LOOK, company.folder / "published" / "parquet"))
    for table, path in files(company).items():
        schema, seen = pq.read_schema(path), found["tables"][table]
        assert seen["rows"] == pq.read_metadata(path).num_rows
        assert seen["columns"] == schema.names
        assert seen["words"] == schema.metadata[b"description"].decode()
        assert TYPES.issuperset(seen["types"])
    total = company.marts("select sum(numerator)::varchar as total from marts.kpi_values")
    assert Decimal(found["sum"]) == Decimal(total["total"].iloc[0])
