"""What loads are given and hand back: an extraction's context and batches, reports and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from ingestion.company.settings import Company
    from ingestion.rejections import Rule
    from ingestion.warehouse.warehouse import Warehouse

Progress = Callable[[str], None]


def quiet(message: str) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class TableLoad:
    """What a load did to one table: `rows` in the export, and how they differ from the last one.

    `rows_read` is what was read of the export, where that is known: `rows`, `rows_rejected`, and
    the `rows_restated` of older files that newer ones have, too. `is_unchanged`: the inputs are
    those of the last load, so nothing was read or loaded; `rows` and `rows_rejected` are then the
    last load's.
    """

    entity: str
    rows: int
    rows_new: int
    rows_changed: int
    rows_deleted: int
    rows_rejected: int
    is_unchanged: bool = False
    rows_read: int | None = None
    rows_restated: int = 0


@dataclass(frozen=True)
class LoadReport:
    """What a load of one source did and took, and what about the source deserves a look."""

    source: str
    type: str
    tables: tuple[TableLoad, ...]
    warnings: tuple[str, ...] = ()
    seconds_extracting: float = 0
    seconds_loading: float = 0

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing was loaded."""
        return all(table.is_unchanged for table in self.tables)


@dataclass(frozen=True)
class Extraction:
    """What a source hands to dlt: batches of rows by table name. None at all: nothing to load.

    `rejected` tells what is rejected, rule by rule, should it come to be refused with others.
    """

    loads: tuple[TableLoad, ...]
    tables: Mapping[str, Iterable[pa.RecordBatch]]
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableCheck:
    """What a load would make of one table, from which files, and the rules that rows break."""

    load: TableLoad
    files: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class SourceCheck:
    """What a load of one source would do.

    `problems` would stop it; `rejected` tells what would be rejected, rule by rule, in words of
    the company file; `remarks` say what else deserves a look. One that cannot be reached now
    (`is_reached`) has been asked nothing.
    """

    source: str
    type: str
    place: str
    tables: tuple[TableCheck, ...] = ()
    problems: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    is_reached: bool = True


@dataclass(frozen=True)
class ExtractContext:
    """What a source extracts with: `folder` is its own while it extracts, and removed after."""

    company: Company
    warehouse: Warehouse
    dataset: str
    folder: Path
    force: bool
    progress: Progress
