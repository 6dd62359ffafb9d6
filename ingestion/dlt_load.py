"""Appends batches of rows to raw tables with dlt: one run, one load package, one load id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.contract import Column, ColumnType
from ingestion.errors import WarehouseError
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

LOAD_ID = "_dlt_load_id"

_DLT_TYPES: Mapping[ColumnType, dict[str, Any]] = {
    "text": {"data_type": "text"},
    "money": {"data_type": "decimal", "precision": 28, "scale": 6},
    "number": {"data_type": "decimal", "precision": 28, "scale": 10},
    "integer": {"data_type": "bigint"},
    "boolean": {"data_type": "bool"},
    "timestamp": {"data_type": "timestamp", "timezone": False, "precision": 6},
    "date": {"data_type": "date"},
}


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of a raw table's declared columns."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "money": pa.decimal128(28, 6),
        "number": pa.decimal128(28, 10),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us"),
        "date": pa.date32(),
    }
    return pa.schema([(column.name, types[column.type]) for column in columns])


def append(
    warehouse: Warehouse,
    dataset: str,
    declared: Mapping[str, tuple[Column, ...]],
    tables: Mapping[str, Iterable[pa.RecordBatch]],
    folder: Path,
) -> None:
    """Append batches to tables of a dataset, whose every declared table and column then exists.

    dlt works in `folder` and reads no settings from anywhere else. The rows count only once dlt
    has recorded the load in `_dlt_loads`. Raises WarehouseError with dlt's cause.
    """
    import dlt
    from dlt.common.runtime.run_context import switched_run_context

    present = warehouse.columns(dataset)
    resources = [
        dlt.resource(
            _batches(tables.get(name, ()), columns),
            name=name,
            columns=[{"name": column.name, **_DLT_TYPES[column.type]} for column in columns],
            write_disposition="append",
            file_format="parquet" if warehouse.name == "duckdb" else "csv",
        )
        for name, columns in declared.items()
        if name in tables or not present.get(name, frozenset()).issuperset(c.name for c in columns)
    ]
    with switched_run_context(_isolated(folder)):
        pipeline = dlt.pipeline(
            pipeline_name="salesops",
            pipelines_dir=str(folder / "pipelines"),
            destination=warehouse.dlt_destination(),
            dataset_name=dataset,
        )
        try:
            pipeline.run(dlt.source(lambda: resources, name=dataset)())
        except Exception as error:
            raise WarehouseError(f"{warehouse}: {_cause(error)}") from error


def _batches(batches: Iterable[pa.RecordBatch], columns: tuple[Column, ...]) -> Iterator[pa.Table]:
    """Batches as tables of the declared schema, at least one, so that the table is made."""
    import pyarrow as pa

    schema = arrow_schema(columns)
    yield schema.empty_table()
    for batch in batches:
        yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)


def _isolated(folder: Path) -> Any:
    """A dlt run context with settings of its own: none of the user's files or environment."""
    from dlt.common.configuration.providers.dictionary import DictionaryProvider
    from dlt.common.runtime.run_context import RunContext

    settings = DictionaryProvider()
    settings.set_value("dlthub_telemetry", False, None, "runtime")
    settings.set_value("log_level", "CRITICAL", None, "runtime")
    settings.set_value("add_dlt_load_id", True, None, "normalize", "parquet_normalizer")
    settings.set_value("restore_from_destination", False, None)
    settings.set_value("enable_runtime_trace", False, None)
    settings.set_value("enable_airflow_secrets", False, None, "providers")

    class Isolated(RunContext):
        global_dir = str(folder)  # type: ignore[assignment]

        def initial_providers(self) -> list[Any]:
            return [settings]

    return Isolated(str(folder))


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).partition("\n")[0]
