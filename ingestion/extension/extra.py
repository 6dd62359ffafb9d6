"""Columns that a company adds to entities of the contract: `extra` in company.yml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from ingestion.contract.columns import ExtraColumn
from ingestion.contract.entities import ENTITIES, Entity
from ingestion.contract.raw_columns import RECORD_COLUMNS
from ingestion.contract.types import ColumnType
from ingestion.errors import Problem, one_of
from ingestion.extension.product import CUTS, names_of_the_frame, names_used
from ingestion.settings import Settings

NAME = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""What dlt leaves as it is; of any other name it makes one of its own."""
MOST_LETTERS = 63
"""Of a name that Postgres does not cut."""
CUT = ("opportunities", "leads")
"""The entities by whose columns metrics are cut."""
OF_POSTGRES = frozenset(
    "cmax cmin ctid current_catalog current_date current_role current_schema current_time "
    "current_timestamp current_user grant localtime localtimestamp session_user system_user "
    "tableoid user xmax xmin".split()
)
"""What means something else there, though not in DuckDB: `user` is whoever asks."""


def _type(written: object) -> object:
    if written not in get_args(ColumnType):
        raise ValueError(f"no type of a column; {one_of(str(written), get_args(ColumnType))}")
    return written


def _words(written: str) -> str:
    if set(written) & set("{}"):
        raise ValueError("dbt would read what is in braces as code; write it without")
    return written


def _in_full(written: Any) -> Any:
    """`label: text` is short for `label: {type: text}`."""
    return written if isinstance(written, dict) else {"type": written}


class ExtraSettings(Settings):
    """What company.yml says of a column: its type, and what it is.

    `event`: the moment of something that happens to a record after it was created, which as of an
    earlier moment has not happened. `cut`: the metrics on deals, or leads, are cut by it.
    """

    type: Annotated[ColumnType, BeforeValidator(_type)]
    description: Annotated[str, Field(min_length=1), AfterValidator(_words)] = (
        "A column of the company's own."
    )
    event: bool = False
    cut: bool = False


Extra = Annotated[
    dict[str, dict[str, Annotated[ExtraSettings, BeforeValidator(_in_full)]]],
    Field(default_factory=dict),
]
"""By entity and name of the column."""


def with_extra(extra: Mapping[str, Mapping[str, ExtraSettings]]) -> Mapping[str, Entity]:
    """The entities of the contract, with the columns that a company adds."""
    return {name: _extended(entity, extra.get(name, {})) for name, entity in ENTITIES.items()}


def _extended(entity: Entity, added: Mapping[str, ExtraSettings]) -> Entity:
    columns = (
        ExtraColumn(name, said.type, said.description, event=said.event, cut=said.cut)
        for name, said in added.items()
        if name not in entity.by_name
    )
    return replace(entity, columns=(*entity.columns, *columns)) if added else entity


def names_added(written: object) -> Mapping[str, set[str]]:
    """The columns by entity, as far as `extra` is written in its form."""
    entities = written.items() if isinstance(written, dict) else ()
    return {
        entity: {str(column) for column in columns}
        for entity, columns in entities
        if isinstance(columns, dict)
    }


def extra_problems(extra: Mapping[str, Mapping[str, ExtraSettings]]) -> Iterator[Problem]:
    """What is wrong with names, and with what is said of columns."""
    for name, columns in extra.items():
        if name not in ENTITIES:
            yield Problem(("extra", name), None, f"unknown entity; {one_of(name, ENTITIES)}")
            continue
        for column, said in columns.items():
            key = ("extra", name, column)
            if message := _name_problem(ENTITIES[name], column, said.cut):
                yield Problem(key, None, message)
            if said.cut and (name not in CUT or said.type != "text"):
                yield Problem(
                    (*key, "cut"), said.cut, f"a cut is text of {' or '.join(CUT)}; remove it"
                )
            if said.event and said.type != "timestamp":
                yield Problem((*key, "event"), said.event, "an event is a timestamp; remove it")


def _name_problem(entity: Entity, name: str, is_cut: bool) -> str | None:
    if not NAME.fullmatch(name):
        return "not small letters and digits, a letter first, a single _ between them; rename it"
    if len(name) > MOST_LETTERS:
        return f"a name longer than {MOST_LETTERS} letters; shorten it"
    if name in entity.by_name or name in {column.name for column in RECORD_COLUMNS}:
        return f"{entity.name} have a column of that name: map it, or rename this one"
    if name in names_used(entity.name) or _is_reserved(name):
        return f"the models of {entity.name} use that name, or SQL does; rename it"
    if is_cut and name in {*CUTS, *names_of_the_frame()}:
        return "metrics have a cut or a column of that name; rename it"
    return None


def _is_reserved(name: str) -> bool:
    import duckdb

    asked = f"select {name} from (select 'own' as {name}) as records"
    with duckdb.connect() as connection:
        try:
            found = connection.execute(asked).fetchall()
        except duckdb.Error:
            return True
    return found != [("own",)] or name in OF_POSTGRES
