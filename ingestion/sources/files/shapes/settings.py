"""What company.yml says of exports whose rows are not yet those of an entity."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from ingestion.settings import Scalar, Settings


def _word(value: Any) -> Any:
    """A word as written; YAML makes numbers of some, and true and false of others."""
    if isinstance(value, bool):
        raise ValueError(
            "write the word in quotes, such as 'Yes': YAML reads Yes, No, On, Off as true or false"
        )
    return str(value) if isinstance(value, int | float) else value


Word = Annotated[str, BeforeValidator(_word)]


class Status(Settings):
    """Words of a column that say what became of a deal, beside the stage that it was in.

    Each outcome's own name is one of its words; case and blanks do not matter. `''` stands for an
    empty cell.
    """

    column: str
    open: tuple[Word, ...] = ()
    won: tuple[Word, ...] = ()
    lost: tuple[Word, ...] = ()
    no_decision: tuple[Word, ...] = ()
    deleted: tuple[Word, ...] = ()


class Unpivot(Settings):
    """Columns that become rows, one for each cell that is not empty.

    `name` takes a column's name, or what is said of it, `value` its cell. Names that are all
    months become their first days.
    """

    columns: tuple[str, ...] | dict[str, Scalar]
    name: str = "name"
    value: str = "value"


class Snapshots(Settings):
    """Rows that show a whole record at a moment: what differs from the one before has changed.

    `fields` are canonical columns of the entity, and the columns that show them.
    """

    entity: str = "opportunities"
    id: str
    at: str
    by: str | None = None
    fields: dict[str, str] = Field(min_length=1)

    @property
    def told(self) -> tuple[str, ...]:
        """The fields whose history it is."""
        return tuple(self.fields)


class Intervals(Settings):
    """Rows that show from when to when a field of a record had a value."""

    entity: str = "opportunities"
    field: str = "stage"
    id: str
    value: str
    from_: str = Field(alias="from")
    to: str | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """The field whose history it is."""
        return (self.field,)


class Span(Settings):
    """The first and the last day that a row is about."""

    from_: str = Field(alias="from")
    to: str


class Shape(Settings):
    """How rows become those of an entity: the keys that do without SQL, in their order.

    `unpivot`, then `one_per` (one row for each value of a column, blank ones left out), then
    `snapshots` or `intervals` (the changes that they show), then, of the columns that are mapped,
    `words` (column: word: value), `match` (column that points at a record: the column of the
    record by which it does), `status` beside the stage and `spread` over days. A field that
    `snapshots` or `intervals` are the history of can be matched, too, before they are compared.
    """

    unpivot: Unpivot | None = None
    one_per: str | None = None
    snapshots: Snapshots | None = None
    intervals: Intervals | None = None
    words: dict[str, dict[Word, Scalar]] = Field(default_factory=dict)
    match: dict[str, str] = Field(default_factory=dict)
    status: Status | None = None
    spread: Span | None = None

    @model_validator(mode="after")
    def _one_history(self) -> Shape:
        if self.snapshots and self.intervals:
            raise ValueError("give snapshots or intervals; what is left goes into 'also'")
        return self

    @property
    def history(self) -> Snapshots | Intervals | None:
        """The changes that the rows show."""
        return self.snapshots or self.intervals

    @property
    def is_plain(self) -> bool:
        """Whether the rows are those of the entity as they are."""
        return not any(getattr(self, name) for name in Shape.model_fields)
