"""company.yml: one file that describes a company, read into validated settings.

`load_company` is the only way in. Whatever is wrong with the file is one `CompanyError` that names
the file, the key, the value and what is allowed, raised before anything is written.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ingestion.contract import ENTITIES, Entity
from ingestion.currencies import CURRENCIES
from ingestion.errors import CompanyError, one_of
from ingestion.sources.hubspot.settings import HubSpotSource

Scalar = str | int | float | bool | dt.datetime | dt.date | None


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"not a time zone; {one_of(name, available_timezones())}")
    return name


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f"not an ISO 4217 currency code; {one_of(code, CURRENCIES)}")
    return code


Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Settings(BaseModel):
    """Base of everything in company.yml: immutable, and no key passes unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileOptions(Settings):
    """How to read files whose form is not the usual one."""

    delimiter: str | None = Field(None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    sheet: str | int = 0

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            return "".encode(name).decode(name) or name
        except LookupError:
            raise ValueError(
                "not an encoding that Python knows; try utf-8, utf-16, latin-1 or cp1252"
            ) from None


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

    def mapped(self) -> Iterable[str]:
        """Names of the canonical columns that the mapping names itself."""
        if self.rows is not None:
            return {name for row in self.rows for name in row}
        return self.columns or {}


class FilesSource(Settings):
    """A folder of exports: CSV, TSV, JSON lines (gzipped or not), Parquet, XLSX."""

    name: SourceName
    type: Literal["files"]
    path: Path
    timezone: Zone | None = None
    options: FileOptions = FileOptions()
    views: dict[str, FileView] = {}
    entities: dict[str, EntityMapping] = Field(min_length=1)

    @field_validator("path")
    @classmethod
    def _beside_company_file(cls, path: Path, info: ValidationInfo) -> Path:
        found = (info.context or {}).get("folder", Path()) / path
        if not found.is_dir():
            raise ValueError(f"no such folder ({found}); paths are relative to the company file")
        return found

    @field_validator("entities")
    @classmethod
    def _known_names(cls, mappings: dict[str, EntityMapping]) -> dict[str, EntityMapping]:
        for name, mapping in mappings.items():
            if name not in ENTITIES:
                raise ValueError(f"unknown entity '{name}'; {one_of(name, ENTITIES)}")
            _check_columns(ENTITIES[name], mapping)
        return mappings


def _check_columns(entity: Entity, mapping: EntityMapping) -> None:
    mapped = set(mapping.mapped())
    for column in mapped:
        if column not in entity.by_name:
            allowed = one_of(column, entity.by_name)
            raise ValueError(f"unknown column '{column}' of entity '{entity.name}'; {allowed}")
    if mapping.rows is None and mapping.columns is None:
        return
    if entity.is_referenced and "source_id" not in mapped:
        raise ValueError(f"entity '{entity.name}' needs a 'source_id': other entities point to it")
    for required in entity.columns:
        if required.required and required.name not in mapped:
            raise ValueError(f"entity '{entity.name}' needs column '{required.name}'")


Source = Annotated[FilesSource | HubSpotSource, Field(discriminator="type")]
_SOURCES: dict[str | int, type[BaseModel]] = {"files": FilesSource, "hubspot": HubSpotSource}


class Company(Settings):
    """A company: what company.yml says, defaults filled in.

    `as_of` is the moment that counts as now, as written: a bare date is that day's midnight in
    `timezone`. `rejected_tolerance` is the share of an entity's rows that may break the contract
    before the audit fails.
    """

    path: Path
    name: str = Field(min_length=1)
    currency: Currency
    timezone: Zone
    fiscal_year_start_month: int = Field(1, ge=1, le=12)
    as_of: dt.datetime | dt.date | None = None
    rejected_tolerance: float = Field(0.01, ge=0, le=1)
    destination: Literal["duckdb", "postgres"] = "duckdb"
    publish_personal_data: bool = False
    sources: tuple[Source, ...] = Field(min_length=1)

    @field_validator("sources")
    @classmethod
    def _unique_names(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        names = [source.name for source in sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are named '{name}'; names must be unique")
        return sources

    @model_validator(mode="after")
    def _has_letters(self) -> Company:
        if not self.slug:
            raise ValueError("'name' needs at least one letter or digit")
        return self

    @property
    def slug(self) -> str:
        """Name of the company's folder under data/: lower case, words joined by underscores."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")

    @property
    def source_types(self) -> tuple[str, ...]:
        """The types of the company's sources, each once, sorted."""
        return tuple(sorted({source.type for source in self.sources}))

    def moment(self, value: dt.datetime | dt.date) -> dt.datetime:
        """A moment in UTC, without zone: bare dates and naive times are the company's own."""
        if not isinstance(value, dt.datetime):
            value = dt.datetime.combine(value, dt.time())
        if value.tzinfo is None:
            value = value.replace(tzinfo=ZoneInfo(self.timezone))
        return value.astimezone(dt.UTC).replace(tzinfo=None)


def load_company(path: Path) -> Company:
    """Read and validate a company file.

    Raises CompanyError naming file, key, value and what is allowed.
    """
    path = path.resolve()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CompanyError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CompanyError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise CompanyError(f"{path}: expected keys such as name, currency, timezone and sources")
    try:
        return Company.model_validate({**document, "path": path}, context={"folder": path.parent})
    except ValidationError as error:
        raise CompanyError(_explain(path, document, error)) from None


def _explain(path: Path, document: dict[str, Any], error: ValidationError) -> str:
    """The first thing that is wrong, with the number of others."""
    problems = error.errors(include_url=False)
    first = problems[0]
    steps = list(first["loc"])
    if steps[:1] == ["sources"] and steps[2:3] and steps[2] in _SOURCES:
        del steps[2]
    key = ".".join(str(step) for step in steps) or "(whole file)"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = f"unknown key; {one_of(str(steps[-1]), _keys_beside(first['loc']))}"
    elif first["type"] == "missing":
        message = "missing: this key is required"
    shown = "" if first["type"] == "missing" or not steps else f" = {_shorten(first['input'])}"
    others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{path}: {key}{shown}: {message}{others}"


def _keys_beside(location: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed where an unknown one was found."""
    model: type[BaseModel] = Company
    if len(location) >= 4 and location[0] == "sources":
        inner = location[3:-1]
        model = _SOURCES[location[2]]
        if inner[:1] == ("entities",):
            model = EntityMapping
        elif inner[:1] == ("options",):
            model = FileOptions
        elif inner[:1] == ("views",):
            model = FileView
    return [
        field.alias or name
        for name, field in model.model_fields.items()
        if name != "path" or model is not Company
    ]


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
