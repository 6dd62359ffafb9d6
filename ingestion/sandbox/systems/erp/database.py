"""The ERP's database: made once for each server, and brought to the state of a world."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from ingestion.sandbox.systems.erp import postgres
from ingestion.sandbox.systems.erp.tables import (
    DEFINITIONS,
    ENTITIES,
    READER,
    SCHEMA,
    TABLES,
    Table,
)
from ingestion.sandbox.world import World

if TYPE_CHECKING:
    import psycopg2.extensions

    from ingestion.sandbox.systems.erp.postgres import Server


@dataclass(frozen=True)
class Erp:
    """An ERP that is up: its server, and the address by which it can be read, with a password."""

    server: Server
    url: str = field(repr=False)

    def show(self, world: World) -> None:
        """Bring the tables to the world's present: in one transaction, what differs alone."""
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(f"set search_path to pg_temp, {SCHEMA}; set time zone 'UTC'")
            for entity in ENTITIES:
                _stage(cursor, entity, world.table(entity))
            cursor.execute("delete from removed_key")
            for table in TABLES:
                _bring(cursor, table)

    @contextmanager
    def connected(self) -> Iterator[psycopg2.extensions.connection]:
        """A connection of the owner's; what was done stands when it is left without an error."""
        import psycopg2

        with closing(psycopg2.connect(self.server.url())) as connection, connection:
            yield connection


@contextmanager
def running(world: World) -> Iterator[Erp]:
    """The ERP of a world while this lasts. Raises PostgresError where no server can run."""
    owner, password = secrets.token_hex(16), secrets.token_hex(16)
    with postgres.running(owner) as server:
        erp = Erp(server, server.url(READER, password))
        with erp.connected() as connection, connection.cursor() as cursor:
            cursor.execute(DEFINITIONS)
            cursor.execute(f"create role {READER} login password %s", [password])
            cursor.execute(f"grant usage on schema {SCHEMA} to {READER}")
            cursor.execute(f"grant select on all tables in schema {SCHEMA} to {READER}")
        erp.show(world)
        del world
        yield erp


def _stage(cursor: psycopg2.extensions.cursor, entity: str, rows: pa.Table) -> None:
    """A temporary table of the world's rows, each column of it text."""
    columns = ", ".join(f"{name} text" for name in rows.column_names)
    cursor.execute(f"create temporary table {entity} ({columns}) on commit drop")
    text = BytesIO()
    pyarrow.csv.write_csv(rows, text, pyarrow.csv.WriteOptions(include_header=False))
    text.seek(0)
    cursor.copy_expert(f"copy {entity} from stdin (format csv)", text)


def _bring(cursor: psycopg2.extensions.cursor, table: Table) -> None:
    """Rows that are no more or differ are removed, and those that are not there are written."""
    name = f"{SCHEMA}.{table.name}"
    cursor.execute(f"create temporary table wanted (like {name}) on commit drop")
    cursor.execute(f"insert into wanted {table.rows}")
    same = " and ".join(f"wanted.{column} = known.{column}" for column in table.key) or "false"
    cursor.execute(
        f"delete from {name} as known where not exists "
        f"(select 1 from wanted where {same} and wanted.* is not distinct from known.*)"
    )
    cursor.execute(
        f"insert into {name} select wanted.* from wanted where not exists "
        f"(select 1 from {name} as known where {same})"
    )
    if table.removed_from:
        cursor.execute(
            f"insert into removed_key select '{table.name}', source_id, "
            f"source_updated_at::timestamptz from {table.removed_from} where is_deleted::boolean"
        )
    cursor.execute("drop table wanted")
