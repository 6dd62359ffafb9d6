"""What company.yml says about a folder of exports."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ingestion.contract.columns import Entity
from ingestion.errors import Problem
from ingestion.settings import Scalar, Settings, Zone
from ingestion.sources.files.shapes.settings import Shape
from ingestion.sources.source_type import SourceSettings

DATA = "{data}"
"""Begins a path in the company's folder under the data root."""
DATE_MARKS = frozenset("aAbBdfgGHIjmMnpSuVwyYz%")
"""What may follow a % in a format of strptime."""


class FileOptions(Settings):
    """How to read files whose form is not the usual one.

    `header_row` is the line (from 1) that names the columns; `skip_rows`, instead, says how many
    lines there are above it. `footer_rows` says how many lines that are not blank end a file after
    its records; 0: none, whatever they look like. `sheet` is a sheet's name, else its position
    from 0.
    `decimal` and `thousands` are the marks in numbers, a space being any kind of space; either
    tells of the other. `date_format` is one format of strptime or several; what fits none of them
    is read as ISO 8601.
    """

    delimiter: str | None = Field(None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    sheet: str | int = 0
    header_row: int | None = Field(None, ge=1)
    skip_rows: int | None = Field(None, ge=0)
    footer_rows: int | None = Field(None, ge=0)
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "\u00a0", "\u2009", "\u202f", "'", "\u2019"] | None = None
    date_format: tuple[str, ...] = ()

    @field_validator("sheet", mode="before")
    @classmethod
    def _name_or_position(cls, sheet: object) -> object:
        if isinstance(sheet, bool):
            raise ValueError("YAML reads this as true or false: write the sheet's name in quotes")
        return sheet.isoformat() if isinstance(sheet, dt.date) else sheet

    @model_validator(mode="after")
    def _one_header(self) -> FileOptions:
        if self.header_row is not None and self.skip_rows is not None:
            raise ValueError("give header_row or skip_rows: either says where the header is")
        return self

    @field_validator("date_format", mode="before")
    @classmethod
    def _one_or_several(cls, formats: Any) -> Any:
        return (formats,) if isinstance(formats, str) else formats

    @field_validator("date_format")
    @classmethod
    def _of_strptime(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for format_ in formats:
            marks = re.findall(r"%(-?.?)", format_)
            if unknown := [mark for mark in marks if mark.lstrip("-") not in DATE_MARKS]:
                raise ValueError(
                    f"'{format_}': %{unknown[0]} is no mark of strptime; those there are: "
                    f"{' '.join(f'%{mark}' for mark in sorted(DATE_MARKS, key=str.lower))}"
                )
            if not {mark.lstrip("-") for mark in marks} & {"Y", "y", "G"}:
                raise ValueError(f"'{format_}' names no year; give a format such as '%d.%m.%Y'")
        return formats

    @model_validator(mode="after")
    def _marks_differ(self) -> FileOptions:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same mark; say what each is")
        return self

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

    def over(self, others: FileOptions) -> FileOptions:
        """These options where they are written, else those of the others that go with them."""
        written = self._written()
        inherited = others._written()
        if written.keys() & {"header_row", "skip_rows"}:
            inherited = {k: v for k, v in inherited.items() if k not in ("header_row", "skip_rows")}
        for mark, other in (("decimal", "thousands"), ("thousands", "decimal")):
            if mark in written and inherited.get(other) == written[mark]:
                inherited.pop(other)
        return FileOptions(**{**inherited, **written})

    def _written(self) -> dict[str, Any]:
        """The options that are written, by name."""
        names = self.model_fields_set & FileOptions.model_fields.keys()
        return {name: getattr(self, name) for name in names}


class FileView(FileOptions):
    """A named view over the files that a glob pattern finds, read as one table.

    Its options stand beside `glob`, or under `options` as those of a source and an entity do.
    """

    glob: str

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, settings: Any) -> Any:
        if not isinstance(settings, dict) or not isinstance(settings.get("options"), dict):
            return settings
        options = settings["options"]
        rest = {key: value for key, value in settings.items() if key != "options"}
        for key in options:
            if key in rest:
                raise ValueError(f"'{key}' is written beside 'glob' and under 'options'")
        return {**rest, **options}


class Input(Shape):
    """Rows of files, and how they map to an entity's canonical columns.

    `options` are how the files of `from` are read, where that differs from the view or the source.
    """

    from_: str | None = Field(None, alias="from")
    columns: dict[str, Scalar] | None = None
    options: FileOptions = FileOptions()


class Further(Input):
    """Another input of an entity, beside its own."""

    from_: str = Field(alias="from")


class EntityMapping(Input):
    """Where an entity's rows come from, and how they map to its canonical columns.

    Either `rows` (a small table written inline) or `from` (the name of one file, or DuckDB SQL
    over the files) with `columns` (canonical column: SQL expression). Without `columns`, every
    column that bears a canonical name is taken as it is.
    `export` says whether each export holds all records (what vanishes from it was deleted) or
    only some of them. `also` has further inputs, each mapped in its own way, read with the options
    of the entity unless it has others. `key` names canonical columns that tell records without ids
    from each other, with the occurrence in the file.
    """

    key: tuple[str, ...] = ()
    also: tuple[Further, ...] = ()
    rows: tuple[dict[str, Scalar], ...] | None = None
    export: Literal["full", "partial"] = "full"

    @model_validator(mode="after")
    def _one_origin(self) -> EntityMapping:
        if (self.from_ is None) == (self.rows is None):
            raise ValueError("give either 'from' (with 'columns') or 'rows'")
        if self.rows is not None and self.columns is not None:
            raise ValueError("'columns' goes with 'from'; rows are written with canonical names")
        if self.rows is not None and self.options.model_fields_set:
            raise ValueError("'options' are of files: they go with 'from'")
        return self

    def gives(self, column: str) -> bool:
        """Whether company.yml itself names a column."""
        written = [columns for one in (self, *self.also) if (columns := one.columns)]
        return any(columns.get(column) is not None for columns in (*written, *(self.rows or ())))


class MappedSource(SourceSettings):
    """A source whose rows company.yml maps, entity by entity, to canonical columns."""

    entities: Mapping[str, EntityMapping]

    @property
    def entities_given(self) -> tuple[str, ...]:
        """The entities that the source gives rows of."""
        return tuple(self.entities)

    def without(self, entities: Sequence[str]) -> str:
        """How to leave entities out."""
        return f"remove {', '.join(f'entities.{entity}' for entity in entities)}"

    @property
    def full_exports(self) -> tuple[str, ...]:
        """The entities of which each export has all records."""
        return tuple(name for name, mapping in self.entities.items() if mapping.export == "full")

    def gives(self, entity: str, column: str) -> bool:
        """Whether company.yml itself names a column of an entity."""
        mapping = self.entities.get(entity)
        return mapping is not None and mapping.gives(column)


class FilesSource(MappedSource):
    """A folder of exports: CSV, TSV, JSON lines (gzipped or not), Parquet, XLSX.

    `path` is relative to the company file, or begins with `{data}`, the company's folder under the
    data root: what is written there may be so only when a run begins, so it need not exist before.
    `timezone` is that of timestamps that name none; the company's own by default.
    """

    type: Literal["files"]
    path: Path
    timezone: Zone | None = None
    options: FileOptions = FileOptions()
    views: dict[str, FileView] = Field(default_factory=dict)
    entities: dict[str, EntityMapping] = Field(min_length=1)

    @field_validator("path")
    @classmethod
    def _in_its_place(cls, path: Path, info: ValidationInfo) -> Path:
        context = info.context or {}
        if path.parts[:1] == (DATA,) and "data" in context:
            return context["data"].joinpath(*path.parts[1:]).resolve()
        found = (context.get("folder", Path()) / path).resolve()
        if not found.is_dir():
            raise ValueError(f"no such folder ({found}); paths are relative to the company file")
        return found

    def problems(self, timezone: str, entities: Mapping[str, Entity]) -> Iterator[Problem]:
        """What is wrong with mappings, in view of the contract and of each other."""
        from ingestion.sources.files.validation import find_problems

        return find_problems(self, timezone, entities) if self.path.is_dir() else iter(())
