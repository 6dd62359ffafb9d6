"""What entities and their columns are, and short ways to write a column of a type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ingestion.contract.types import ColumnType

RECORD = "record"
"""What a column points at whose row says of which entity the record is."""

FORECAST_CATEGORIES = ("omitted", "pipeline", "best_case", "most_likely", "commit", "closed")


@dataclass(frozen=True)
class Column:
    """A canonical column.

    `event` marks the moment of something that happens to a record after it was created: as of an
    earlier moment it has not happened, and the value does not exist.
    `references` says what the values point at: an entity, by its `source_id`; `users.team` and
    `pipeline_stages.stage`, by those columns; RECORD, a record of the entity that the row names.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    event: bool = False
    references: str = ""


@dataclass(frozen=True)
class ExtraColumn(Column):
    """A column that a company adds to an entity; metrics are cut by one that is a `cut`."""

    cut: bool = False


@dataclass(frozen=True)
class Entity:
    """A canonical entity.

    `key` is the natural key that stands in for `source_id` where a source gives none. Without a
    key, `source_id` must be mapped when `is_referenced` (other entities point to it); otherwise
    a row is identified by all of its values.
    `told` columns must be mapped, though a row may have no value there: that is what it tells.
    `begins_at` is the column whose moment brings a record into being: as of an earlier moment the
    record does not exist. (Field changes have none: a later change tells the value before it.)
    """

    name: str
    singular: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    is_referenced: bool = False
    begins_at: str | None = None
    told: tuple[str, ...] = ()
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {column.name: column for column in (*META_COLUMNS, *self.columns)}
        object.__setattr__(self, "by_name", MappingProxyType(by_name))

    @property
    def surrogate_key(self) -> str:
        """Name of the hash of system, instance and id that staging adds."""
        return f"{self.singular}_key"

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that a source must map, `source_id` left out."""
        return tuple(c.name for c in self.columns if c.required or c.name in self.told)


META_COLUMNS = (
    Column("source_id", "text", "The record's id in the system that it came from.", required=True),
    Column("source_updated_at", "timestamp", "When the source last changed the record (UTC)."),
    Column("is_deleted", "boolean", "Whether the source has deleted the record."),
)


def text(name: str, description: str, **rules: object) -> Column:
    return Column(name, "text", description, **rules)  # type: ignore[arg-type]


def id_of(name: str, references: str, description: str, **rules: object) -> Column:
    return Column(name, "text", description, references=references, **rules)  # type: ignore[arg-type]


def moment(name: str, description: str, **rules: object) -> Column:
    return Column(name, "timestamp", description, **rules)  # type: ignore[arg-type]


def day(name: str, description: str, **rules: object) -> Column:
    return Column(name, "date", description, **rules)  # type: ignore[arg-type]


def money(name: str, description: str, **rules: object) -> Column:
    return Column(name, "money", description, **rules)  # type: ignore[arg-type]


def count(name: str, description: str, **rules: object) -> Column:
    return Column(name, "integer", description, minimum=0, **rules)  # type: ignore[arg-type]


def share(name: str, description: str) -> Column:
    return Column(name, "number", description, minimum=0, maximum=1)


CURRENCY = text("currency", "ISO 4217 code of the native amounts; none means the company's own.")
