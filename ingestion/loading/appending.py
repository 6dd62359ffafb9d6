"""Appends batches of rows to raw tables with dlt: one run, one load package, one load id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.contract.columns import Column
from ingestion.contract.types import TYPES
from ingestion.errors import SalesopsError, WarehouseError
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import dlt
    import pyarrow as pa


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of a raw table's declared columns."""
    import pyarrow as pa

    return pa.schema([(column.name, TYPES[column.type].in_arrow()) for column in columns])


def append(
    warehouse: Warehouse,
    dataset: str,
    declared: Mapping[str, tuple[Column, ...]],
    tables: Mapping[str, Iterable[pa.RecordBatch]],
    folder: Path,
) -> None:
    """Append batches to tables of a dataset at once: `set_down`, then `load`."""
    set_down(warehouse, dataset, declared, tables, folder)
    load(warehouse, dataset, folder)


def set_down(
    warehouse: Warehouse,
    dataset: str,
    declared: Mapping[str, tuple[Column, ...]],
    tables: Mapping[str, Iterable[pa.RecordBatch]],
    folder: Path,
) -> None:
    """Write batches for tables of a dataset into `folder`, for `load` to append later.

    Every declared table and column will then exist. dlt works in `folder`, and takes settings from
    nowhere else. What a source raises while its batches are taken passes through; anything else is
    a WarehouseError with dlt's cause.
    """
    import dlt

    present = warehouse.columns(dataset)
    needed = [
        name
        for name, columns in declared.items()
        if name in tables or not present.get(name, frozenset()).issuperset(c.name for c in columns)
    ]
    resources = [
        dlt.resource(
            _as_declared(tables.get(name, ()), declared[name]),
            name=name,
            columns={c.name: {"name": c.name, **TYPES[c.type].dlt} for c in declared[name]},
            write_disposition="append",
            file_format="parquet" if warehouse.name == "duckdb" else "csv",
        )
        for name in needed
    ]
    with _pipeline(warehouse, dataset, folder) as pipeline:
        pipeline.extract(dlt.source(lambda: resources, name=dataset)())
        pipeline.normalize()


def load(warehouse: Warehouse, dataset: str, folder: Path) -> None:
    """Append what was set down in `folder`.

    The rows count only once dlt has recorded their load as finished. Raises WarehouseError.
    """
    with _pipeline(warehouse, dataset, folder) as pipeline:
        pipeline.load()


@contextmanager
def _pipeline(warehouse: Warehouse, dataset: str, folder: Path) -> Iterator[dlt.Pipeline]:
    """The dlt pipeline that works in `folder`. What fails in it is raised as what made it fail."""
    import dlt

    with _settings_of_our_own(folder):
        pipeline = dlt.pipeline(
            pipeline_name="salesops",
            pipelines_dir=str(folder / "pipelines"),
            destination=warehouse.dlt_destination(),
            dataset_name=dataset,
        )
        try:
            yield pipeline
        except Exception as error:
            raise _cause(warehouse, error) from error
        finally:
            pipeline.deactivate()


def _as_declared(
    batches: Iterable[pa.RecordBatch], columns: tuple[Column, ...]
) -> Iterator[pa.Table]:
    """Batches as tables of the declared schema; first an empty one, so that the table is made."""
    import pyarrow as pa

    schema = arrow_schema(columns)
    yield schema.empty_table()
    for batch in batches:
        yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)


@contextmanager
def _settings_of_our_own(folder: Path) -> Iterator[None]:
    """Keep dlt from files and variables of the user, from its home, and from phoning home."""
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.providers.dictionary import DictionaryProvider
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
    from dlt.common.runtime.run_context import RunContext

    settings = DictionaryProvider()
    settings.set_value("dlthub_telemetry", False, None, "runtime")
    settings.set_value("log_level", "CRITICAL", None, "runtime")
    settings.set_value("enable_airflow_secrets", False, None, "providers")
    settings.set_value("add_dlt_load_id", True, None, "normalize", "parquet_normalizer")
    settings.set_value("restore_from_destination", False, None)
    settings.set_value("enable_runtime_trace", False, None)

    class OurContext(RunContext):
        @property
        def global_dir(self) -> str:
            return str(folder)

        def initial_providers(self) -> list[Any]:
            return [settings]

    context = PluggableRunContext(OurContext(str(folder)))
    with Container().injectable_context(context):
        yield


def _cause(warehouse: Warehouse, error: Exception) -> SalesopsError:
    """What made dlt fail, in one line."""
    cause: BaseException = error
    while not isinstance(cause, SalesopsError) and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, SalesopsError):
        return cause
    return warehouse.locked(cause) or WarehouseError(f"{warehouse}: {warehouse.in_words(cause)}")
