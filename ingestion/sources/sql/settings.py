"""What company.yml says about a database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from ingestion.contract.columns import Entity
from ingestion.errors import Problem
from ingestion.settings import Settings, Zone, variable_of
from ingestion.sources.files.settings import EntityMapping, MappedSource
from ingestion.sources.files.shapes.settings import Shape

LABEL = "database"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
WAYS = (
    "Write deletes: keys (all keys are read and compared), deletes: {history: a table of deleted "
    "keys}, or deletes: none, where nothing is ever deleted"
)
_LAG = re.compile(r"(\d{1,6}) ?([smhd])")


class History(Settings):
    """Where a database keeps what it has deleted: a table, or a SELECT, of that database.

    It has the columns that `source_id` is made of.
    """

    history: str = Field(min_length=1)


class SqlMapping(EntityMapping):
    """Where an entity's rows come from, and how they map to its canonical columns; as of files.

    `from` is the name of a table or view, or one SELECT in the database's own SQL. With a `cursor`,
    a column that grows whenever a row changes, a load reads only the rows that are at most `lag`
    behind the highest value that was seen; `deletes` then says how it learns which rows are gone.
    """

    cursor: str | None = Field(None, min_length=1)
    lag: str | int = "1h"
    deletes: Literal["keys", "none"] | History | None = None

    @field_validator("lag", mode="before")
    @classmethod
    def _duration_or_number(cls, lag: object) -> object:
        is_number = isinstance(lag, int) and not isinstance(lag, bool) and lag >= 0
        if is_number or (isinstance(lag, str) and _LAG.fullmatch(lag)):
            return lag
        raise ValueError(
            "not a lag; write a number and s, m, h or d, such as 90s, 1h or 2d; of a cursor that "
            "is a number, a number"
        )

    @field_validator("deletes", mode="before")
    @classmethod
    def _known_way(cls, deletes: object) -> object:
        is_history = isinstance(deletes, dict) and deletes.keys() == {"history"}
        if is_history or deletes in ("keys", "none", None):
            return deletes
        raise ValueError(f"no way to learn of deletions; {WAYS}")

    @model_validator(mode="after")
    def _of_a_database(self) -> SqlMapping:
        if any(one.options.model_fields_set for one in (self, *self.also)):
            raise ValueError(
                "'options' are of files; a database has none. Give a SELECT that writes numbers "
                "and dates plainly, such as replace(amount, ',', '.') as amount"
            )
        if self.cursor is None:
            if self.deletes is not None or "lag" in self.model_fields_set:
                raise ValueError(
                    "'lag' and 'deletes' go with 'cursor': without one, all rows are read, and "
                    "what is not among them is gone"
                )
            return self
        if self.deletes is None:
            raise ValueError(
                "with 'cursor', 'deletes' is missing: rows that are gone are not among those that "
                f"have changed. {WAYS}"
            )
        self._refuse_no_increments()
        return self

    def _refuse_no_increments(self) -> None:
        """Raise ValueError where a part of the rows cannot be mapped without the others."""
        remedy = "remove 'cursor': all rows are then read at every load"
        if self.rows is not None or self.also:
            raise ValueError(f"'cursor' is of one 'from'; {remedy}")
        if any(getattr(self, name) for name in Shape.model_fields if name != "words"):
            raise ValueError(f"rows that take another shape are all needed to know it; {remedy}")
        if "source_id" in self.words:
            raise ValueError(f"keys are compared as they are, without 'words'; {remedy}")
        if self.export == "partial":
            raise ValueError("'cursor' says which rows are read, so 'export' goes without it")
        if not self.columns or "source_id" not in self.columns:
            raise ValueError(
                "with 'cursor', columns.source_id is missing: it says which record has changed"
            )

    @property
    def lag_seconds(self) -> int | None:
        """The lag of a cursor that is a moment; None where it is of a number."""
        found = _LAG.fullmatch(str(self.lag))
        return int(found[1]) * SECONDS[found[2]] if found else None


class SqlSource(MappedSource):
    """A database that SQLAlchemy reaches: each load reads it in one transaction that only reads.

    `address_env` names the environment variable that holds its address, password included.
    `schema` is that of tables that name none. `timezone` is that of timestamps that name none; the
    company's own by default.
    """

    type: Literal["sql"]
    address_env: Annotated[str, variable_of("address", "ERP_DATABASE_URL")]
    schema_: str | None = Field(None, alias="schema", min_length=1)
    timezone: Zone | None = None
    entities: dict[str, SqlMapping] = Field(min_length=1)

    def pointed_to(self, url: str, secret: str) -> tuple[Self, Mapping[str, str]]:
        """The same source, whose address, with the password in it, is in the environment."""
        return self, {self.address_env: url}

    def problems(self, timezone: str, entities: Mapping[str, Entity]) -> Iterator[Problem]:
        """What is wrong with mappings, in view of the contract and of each other."""
        from ingestion.sources.sql.validation import find_problems

        return find_problems(self, timezone, entities)
