"""Tests that append without dlt find what dlt appends, in the same tables."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingestion.contract.columns import Column
from ingestion.contract.types import ColumnType
from ingestion.loading import appending
from ingestion.loading.appending import arrow_schema
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables

VALUES: dict[ColumnType, Any] = {
    "text": "it's",
    "money": Decimal("1.5"),
    "number": Decimal("0.0000000001"),
    "integer": -7,
    "boolean": True,
    "timestamp": dt.datetime(2024, 2, 29, 23, 59, 59, 1),
    "date": dt.date(2024, 2, 29),
}
OF_DLT = ("_dlt_version", "_dlt_pipeline_state")
EXTRA = Column("of_the_company", "money", "What comes to be read later.")


def two_loads(append: Any, folder: Path, source_type: str) -> dict[str, list[dict[str, Any]]]:
    """Tables, columns and rows after a load of a row each, and one that brings a column."""
    folder.mkdir()
    warehouse = Warehouse("duckdb", str(folder / "warehouse.duckdb"))
    of = SOURCE_TYPES[source_type]
    declared = dict(of.tables)
    for number in (1, 2):
        (folder / f"{number}").mkdir()
        tables = {name: [_row(columns)] for name, columns in declared.items()}
        append(warehouse, of.dataset, declared, tables, folder / f"{number}")
        first, *_ = declared
        declared[first] = (*declared[first], EXTRA)
    found = {
        "columns": warehouse.read(
            "select table_name, column_name, data_type, is_nullable "
            f"from information_schema.columns where table_schema = '{of.dataset}' "
            f"and table_name not in {OF_DLT} order by all"
        )
    }
    for name in declared:
        found[name] = warehouse.read(
            "select records.* exclude (_dlt_load_id), loads.status as status_of_load, "
            "dense_rank() over (order by _dlt_load_id) as load "
            f"from {of.dataset}.{name} as records "
            f"inner join {of.dataset}._dlt_loads as loads on _dlt_load_id = load_id order by all"
        )
    return {name: table.to_pylist() for name, table in found.items()}


def _row(columns: tuple[Column, ...]) -> pa.RecordBatch:
    row = {column.name: VALUES[column.type] for column in columns}
    return pa.RecordBatch.from_pylist([row], arrow_schema(columns))


@pytest.mark.parametrize("source_type", SOURCE_TYPES)
def test_what_is_appended_without_dlt_is_what_dlt_appends(tmp_path: Path, source_type: str) -> None:
    through_dlt = two_loads(appending.append, tmp_path / "dlt", source_type)
    assert two_loads(raw_tables.append, tmp_path / "quick", source_type) == through_dlt
    with pytest.MonkeyPatch.context() as environment:
        raw_tables.without_dlt(environment)
        assert two_loads(appending.append, tmp_path / "held", source_type) == through_dlt
    assert len(through_dlt["columns"]) > 10
