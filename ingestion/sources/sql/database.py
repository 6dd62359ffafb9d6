"""A database, read in one transaction that only reads: all of its tables as of one moment."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as url_quote

from ingestion.errors import SourceError, first_line
from ingestion.sources.sql.origins import is_select, schema_of, statement, table_of
from ingestion.sources.sql.settings import SqlSource

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult, Engine

EXAMPLE = "postgresql://user:password@host:5432/database"
ENCODED = "%25 for %, %2F for /, %40 for @, %3A for :, %3F for ?, %23 for #"
STRUCK_OUT = "***"
SECONDS_TO_CONNECT = 10
BATCH_ROWS = 50_000
MAX_SCALE = 1_000
SINCE = "salesops_since"
"""The one parameter of a statement."""

ONE_MOMENT = frozenset({"mariadb", "mysql", "oracle", "postgresql", "sqlite"})
"""Databases of which a transaction of the level that is asked for sees one moment of all tables."""
READ_ONLY = frozenset({"postgresql", "sqlite"})
"""Those that refuse to write in a transaction, or over a connection, that says it only reads."""
_LEVELS = ("REPEATABLE READ", "SERIALIZABLE")
"""The first of these that there is, is asked for."""

_REFUSED = re.compile(
    r"password|authentication|role .* does not exist|access denied|login failed|pg_hba",
    re.IGNORECASE,
)
_UNKNOWN_HOST = re.compile(
    r"translate host name|name or service|getaddrinfo|unknown .*host|nodename", re.IGNORECASE
)
_NO_DATABASE = re.compile(
    r"database .* does not exist|unknown database|unable to open database file", re.IGNORECASE
)


class ConnectionLostError(Exception):
    """The connection was cut while the database was read: it may be read anew."""


class NoConnectionError(SourceError):
    """The database cannot be reached."""


@dataclass(frozen=True)
class Field:
    """A column of what a `from` gives. `type` is the database's number of its type, if it has any.

    `scale` is how many decimals a number has, where the type says so.
    """

    name: str
    type: Any = None
    scale: int | None = None


@dataclass(frozen=True)
class Rows:
    """What a `from` gives: SQL that can stand within another, and columns; `name` is for people."""

    name: str
    sql: str
    fields: tuple[Field, ...]

    @property
    def columns(self) -> dict[str, str]:
        """The columns as the database spells them, by their names in lower case."""
        return {field.name.lower(): field.name for field in self.fields}


class Database:
    """A connection within its transaction. No error repeats the address, or a part of it."""

    def __init__(self, source: SqlSource, connection: Connection, url: URL) -> None:
        import sqlalchemy as sa

        self._source, self._connection, self._url = source, connection, url
        self.dialect = connection.dialect.name
        self._inspector = sa.inspect(connection)

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells the database from others; not the folder of a socket, nor who reads."""
        url = self._url
        told = [
            one for key in ("host", "port", "dbname") for one in _listed(url.query.get(key, ()))
        ]
        named = (self.dialect, url.host, url.port, url.database, *sorted(told))
        return tuple(
            str(one or "")
            for one in named
            if not str(one).startswith("/") or self.dialect == "sqlite"
        )

    def rows_of(self, text: str, name: str) -> Rows:
        """What a `from` means, and its columns; `name` is that of a SELECT.

        Raises SourceError of a table, a column or SQL that the database does not know.
        """
        if is_select(text):
            sql = statement(text)
        else:
            with self._told():
                schema, table = table_of(self._inspector, text, self._source.schema_)
            name = f"{schema}.{table}" if schema else table
            sql = f"select * from {'.'.join(map(self.quoted, filter(None, (schema, table))))}"
        rows = Rows(name, sql, ())
        with self._told(), self._connection.begin_nested():
            probed = self._execute(f"select * from {within(rows)} where 1 = 0")
            described = probed.cursor.description if probed.cursor else ()
            fields = tuple(Field(one[0], one[1], _scale(one[5])) for one in described)
            probed.close()
        _refuse_repeated(fields)
        return Rows(name, sql, fields)

    @contextmanager
    def batches(
        self, sql: str, params: Mapping[str, object] | None = None
    ) -> Iterator[Iterator[Sequence[Sequence[Any]]]]:
        """The rows of a statement in batches, as the driver gives them."""
        with self._told(), self._connection.begin_nested():
            result = self._execute(sql, params, stream_results=True, yield_per=BATCH_ROWS)
            try:
                yield (self._plain(part) for part in result.partitions())
            finally:
                result.close()

    def quoted(self, name: str) -> str:
        """A name as the database takes it, whatever it is made of."""
        return self._connection.dialect.identifier_preparer.quote_identifier(name)

    @staticmethod
    def _plain(part: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return [tuple(row) for row in part]

    def _execute(
        self, sql: str, params: Mapping[str, object] | None = None, **options: object
    ) -> CursorResult[Any]:
        import sqlalchemy as sa

        # SQL of the company's own may have colons, and percent signs, that are no parameters.
        text = sa.text(re.sub(rf":(?!{SINCE}\b)", r"\:", sql))
        return self._connection.execute(text, params or {}, execution_options=options)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what the driver says as a SourceError, without what is secret."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            cause = (error.orig if isinstance(error, DBAPIError) else None) or error
            said = struck_out(self._url, first_line(cause))
            if self._connection.invalidated or getattr(error, "connection_invalidated", False):
                raise ConnectionLostError(said) from None
            raise SourceError(f"the database says: {said}") from None
        except (ValueError, OverflowError) as error:
            raise SourceError(
                "a value, most likely a date or time, cannot be read "
                f"({struck_out(self._url, first_line(error))}); give a SELECT that casts it to text"
            ) from None


def _scale(told: int | None) -> int | None:
    """The decimals of a type; None where it has no number of them, which drivers tell as -1."""
    return told if told is not None and 0 <= told <= MAX_SCALE else None


def within(rows: Rows) -> str:
    """SQL of the rows as a table of another statement."""
    return f"({rows.sql}\n) salesops_rows"


@contextmanager
def opened(source: SqlSource) -> Iterator[Database]:
    """The database of a source, in a transaction that ends with the context.

    Raises SourceError where it cannot be reached, and ConnectionLostError where it is no more.
    """
    from sqlalchemy.exc import DBAPIError

    variable = source.address_env
    url = address_of(source)
    engine = _engine(url, variable)
    try:
        try:
            raw = engine.connect()
        except DBAPIError as error:
            raise NoConnectionError(_unreachable(url, variable, error)) from None
        with raw as connection:
            connection = connection.execution_options(**_options(connection))
            _begin(connection, source)
            yield Database(source, connection, url)
    finally:
        engine.dispose()


def address_of(source: SqlSource) -> URL:
    """The address that the environment holds. Raises SourceError, which repeats nothing of it."""
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    variable = source.address_env
    text = os.environ.get(variable, "").strip()
    if not text:
        raise SourceError(
            f"source {source.name}: the environment variable {variable} is not set; it holds the "
            f"database's address, such as {EXAMPLE}"
        )
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise SourceError(
            f"source {source.name}: what {variable} holds is not an address such as {EXAMPLE}; "
            f"write {ENCODED} in user and password. It is not repeated here, since it may hold the "
            "password"
        ) from None
    return url.set(drivername="postgresql") if url.drivername == "postgres" else url


def warnings_of(dialect: str) -> Iterator[str]:
    """What a database does not promise of a load, which another would."""
    if dialect not in ONE_MOMENT:
        yield (
            f"{dialect}: whether its tables are read as of one moment is not known; where they "
            "change while they are read, rows of one may point at rows of another that were not "
            "there yet"
        )
    if dialect not in READ_ONLY:
        yield (
            f"{dialect}: nothing keeps a SELECT from calling what writes; give the source a user "
            "that may only read"
        )


def struck_out(url: URL, text: str) -> str:
    """A text of another library without the address, its password or secrets of its query."""
    secrets = [url.render_as_string(hide_password=False), str(url.password or "")]
    secrets += [one for value in url.query.values() for one in _listed(value)]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for written in (secret, url_quote(secret, safe=""), url_quote(secret)):
            text = text.replace(written, STRUCK_OUT)
    return text


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _engine(url: URL, variable: str) -> Engine:
    import sqlalchemy as sa
    from sqlalchemy.exc import SQLAlchemyError

    options: dict[str, Any] = {"poolclass": sa.NullPool, "hide_parameters": True}
    try:
        if url.get_backend_name() == "sqlite":
            return sa.create_engine("sqlite://", creator=_read_only_file(url), **options)
        if url.get_backend_name() == "postgresql":
            options["connect_args"] = {"connect_timeout": SECONDS_TO_CONNECT}
        return sa.create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise SourceError(
            f"the address in {variable} is of {url.get_backend_name()}, whose driver is not "
            f"installed (Python has no module {error.name}); install it beside this project"
        ) from None
    except (SQLAlchemyError, TypeError, ValueError):
        raise SourceError(
            f"the address in {variable} begins with a database or driver that SQLAlchemy does not "
            f"know, or has a part that it cannot use; an address looks as {EXAMPLE}"
        ) from None


def _read_only_file(url: URL) -> Callable[[], sqlite3.Connection]:
    """Opens a SQLite file that there is: SQLite would make an empty one of a mistyped name."""
    path = url_quote(url.database or "")
    return lambda: sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _options(connection: Connection) -> dict[str, Any]:
    """The options of a transaction that sees one moment, as far as the database has them."""
    levels = connection.dialect.get_isolation_level_values(connection.connection.dbapi_connection)
    level = next((one for one in _LEVELS if one in levels), None)
    options: dict[str, Any] = {"isolation_level": level} if level else {}
    if connection.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    return options


def _begin(connection: Connection, source: SqlSource) -> None:
    """Begin to read, from the source's schema where SQL can be told so."""
    import sqlalchemy as sa

    if connection.dialect.name == "sqlite":
        # The driver begins transactions before writes only.
        connection.exec_driver_sql("begin")
    if connection.dialect.name == "postgresql" and source.schema_:
        schema = schema_of(sa.inspect(connection), source.schema_)
        quoted = connection.dialect.identifier_preparer.quote_identifier(schema)
        connection.execute(
            sa.text(
                "select set_config('search_path', "
                "concat_ws(', ', cast(:own as text), current_setting('search_path')), true)"
            ),
            {"own": quoted},
        )


def _unreachable(url: URL, variable: str, error: Exception) -> str:
    """Why there is no connection, in words of our own: what a driver says has the address in it."""
    said = str(getattr(error, "orig", None) or error)
    if _UNKNOWN_HOST.search(said):
        what = "no host of that name is known; check the host's name"
    elif _NO_DATABASE.search(said):
        what = "there is no such database; check its name"
    elif _REFUSED.search(said):
        what = "it refuses the user or the password; check both"
    elif re.search("timed? ?out", said, re.IGNORECASE):
        what = "it did not answer in time; check host and port, and whether a firewall is between"
    elif re.search("refused|No such file|not running|can't connect", said, re.IGNORECASE):
        what = "nothing answers at that host and port; check both, and whether it runs"
    else:
        what = (
            f"{type(getattr(error, 'orig', None) or error).__name__}; check it with another client"
        )
    return (
        f"no connection to the {url.get_backend_name()} database at the address in {variable}: "
        f"{what}. The address is not repeated here"
    )


def _refuse_repeated(fields: Sequence[Field]) -> None:
    """Raise SourceError where two columns have the same name but for its case."""
    known: dict[str, str] = {}
    for field in fields:
        other = known.get(field.name.lower())
        if other is not None:
            alike = (
                "" if other == field.name else f" and '{field.name}', which differ in case alone"
            )
            raise SourceError(
                f"two columns are called '{other}'{alike}; give a SELECT that names them "
                "otherwise: … as …"
            )
        known[field.name.lower()] = field.name
