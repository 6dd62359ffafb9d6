"""What company.yml says about a folder of exports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ingestion.settings import Provides, Scalar, Settings, SourceName, Zone


class FileOptions(Settings):
    """How to read files whose form is not the usual one."""

    delimiter: str | None = Field(None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    sheet: str | int = 0

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError:
            raise ValueError(
                "not an encoding that Python knows; try utf-8, utf-16, latin-1 or cp1252"
            ) from None
        return name


class FileView(FileOptions):
    """A named view over the files that a glob pattern finds, read as one table."""

    glob: str


class EntityMapping(Settings):
    """Where an entity's rows come from, and how they map to its canonical columns.

    Either `rows` (a small table written inline) or `from` (the name of one file, or DuckDB SQL
    over the files) with `columns` (canonical column: SQL expression). Without `columns`, every
    column that bears a canonical name is taken as it is.
    `export` says whether each export holds all records (what vanishes from it was deleted) or
    only some of them.
    """

    from_: str | None = Field(None, alias="from")
    columns: dict[str, Scalar] | None = None
    rows: tuple[dict[str, Scalar], ...] | None = None
    export: Literal["full", "partial"] = "full"

    @model_validator(mode="after")
    def _one_origin(self) -> EntityMapping:
        if (self.from_ is None) == (self.rows is None):
            raise ValueError("give either 'from' (with 'columns') or 'rows'")
        if self.rows is not None and self.columns is not None:
            raise ValueError("'columns' goes with 'from'; rows are written with canonical names")
        return self


class FilesSource(Settings):
    """A folder of exports: CSV, TSV, JSON lines (gzipped or not), Parquet, XLSX.

    `path` is relative to the company file; where a simulated company gives none, its exports.
    `timezone` is that of timestamps that name none; the company's own by default. `provides` says
    which part of an entity (say, a region) the source gives, where another source gives the rest.
    """

    name: SourceName
    type: Literal["files"]
    path: Path
    provides: Provides
    timezone: Zone | None = None
    options: FileOptions = FileOptions()
    views: dict[str, FileView] = Field(default_factory=dict)
    entities: dict[str, EntityMapping] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _of_the_sandbox(cls, settings: Any, info: ValidationInfo) -> Any:
        exports = (info.context or {}).get("exports")
        return {"path": exports, **settings} if exports else settings

    @field_validator("path")
    @classmethod
    def _beside_company_file(cls, path: Path, info: ValidationInfo) -> Path:
        context = info.context or {}
        found = (context.get("folder", Path()) / path).resolve()
        if not found.is_dir() and found != context.get("exports"):
            raise ValueError(f"no such folder ({found}); paths are relative to the company file")
        return found

    @property
    def entities_given(self) -> tuple[str, ...]:
        """The entities that the source gives rows of."""
        return tuple(self.entities)

    def without(self, entities: Sequence[str]) -> str:
        """How to leave entities out."""
        return f"remove {', '.join(f'entities.{entity}' for entity in entities)}"
