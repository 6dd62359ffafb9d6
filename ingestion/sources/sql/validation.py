"""What is wrong with the mappings of a SQL source that can be told without its database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from ingestion.contract.columns import Entity
from ingestion.errors import Problem, SourceError
from ingestion.sources.files.settings import Input
from ingestion.sources.files.shapes.inputs import needs
from ingestion.sources.files.validation import Key, mapping_problems
from ingestion.sources.files.values.casting import Zones
from ingestion.sources.sql.origins import refuse_strange
from ingestion.sources.sql.settings import SqlSource


def find_problems(
    source: SqlSource, timezone: str, entities: Mapping[str, Entity]
) -> Iterator[Problem]:
    """Unknown names, expressions that are no SQL, rows that break the contract.

    `timezone` and `entities` are the company's. Keys are relative to the source.
    """
    import duckdb

    zones = Zones(source.timezone or timezone, timezone)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield from mapping_problems(connection, source.entities, zones, entities, _from_problems)
    yield from _needed_whole(source)


def _from_problems(key: Key, said: Input) -> Iterator[Problem]:
    assert said.from_ is not None
    try:
        refuse_strange(said.from_)
    except SourceError as error:
        yield Problem((*key, "from"), said.from_, str(error))


def _needed_whole(source: SqlSource) -> Iterator[Problem]:
    """Entities that are read in part, though others are checked against all their rows."""
    for name in source.entities:
        with suppress(SourceError):  # A circle is told by itself.
            for needed in needs(source.entities, name):
                if source.entities[needed].cursor:
                    message = (
                        f"{name} need all rows of {needed}, and a cursor leaves most unread; "
                        "remove it: all rows are then read at every load"
                    )
                    key = ("entities", needed, "cursor")
                    yield Problem(key, source.entities[needed].cursor, message)
