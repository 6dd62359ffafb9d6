"""The warehouse: one DuckDB file per company, or a PostgreSQL database."""

from __future__ import annotations

import datetime as dt
import errno
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ingestion.company.settings import Company
from ingestion.contract.types import ColumnType, type_named
from ingestion.errors import WarehouseError, first_line
from ingestion.loading.moments import LOADS, loaded_at
from ingestion.paths import CompanyPaths, unused_name, write_ahead_log
from ingestion.warehouse.duckdb_sql import max_threads, memory_limit
from ingestion.warehouse.marts_file import marts_of, show_marts
from ingestion.warehouse.postgres_address import EXAMPLE, POSTGRES_URL, Address

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROW_GROUP = 122_880
"""The rows that DuckDB gives a thread at a time."""
CORRUPT = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Corrupt WAL file",
    "Could not read enough bytes",
)
"""What DuckDB says where the bytes are wrong. Whatever else it says, the file may be sound."""

log = logging.getLogger("salesops")


@dataclass(frozen=True)
class Warehouse:
    """Where raw data and models live.

    `name` is also the name of the dbt target; `location` is the path of the DuckDB file, or the
    address of the PostgreSQL database.
    """

    name: Literal["duckdb", "postgres"]
    location: str = field(repr=False)

    @classmethod
    def of(cls, company: Company) -> Warehouse:
        """The warehouse that company.yml chooses.

        Raises WarehouseError when it is PostgreSQL and SALESOPS_POSTGRES_URL is not set, or is no
        address.
        """
        if company.destination == "duckdb":
            return cls("duckdb", str(CompanyPaths.of(company).warehouse))
        url = os.environ.get(POSTGRES_URL)
        if not url:
            raise WarehouseError(
                f"{company.path}: destination = 'postgres' needs the environment variable "
                f"{POSTGRES_URL}, e.g. {EXAMPLE}"
            )
        Address.of(url)
        return cls("postgres", url)

    def __str__(self) -> str:
        return self.location if self.name == "duckdb" else str(Address.of(self.location))

    @property
    def marts(self) -> Path:
        """The DuckDB file in which the schema `marts` is built, beside the warehouse's own."""
        return marts_of(Path(self.location))

    def read(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """The rows of a query, whose parameters are written `?`; nothing stays open after it.

        Raises WarehouseError when the warehouse cannot be opened.
        """
        if self.name == "postgres":
            from ingestion.warehouse.postgres import read

            return read(self.location, sql, params)
        with self._open_file() as connection:
            return connection.execute(sql, list(params)).to_arrow_table()

    @contextmanager
    def batches(self, sql: str) -> Iterator[pa.RecordBatchReader]:
        """The rows of a query, however many: a part of them at a time is in memory.

        Raises as `read` does.
        """
        if self.name == "postgres":
            from ingestion.warehouse.postgres import batches

            with batches(self.location, sql) as reader:
                yield reader
            return
        with self._open_file() as connection:
            yield connection.execute(sql).to_arrow_reader(ROW_GROUP)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Read often within: a file that stays open is not read in anew by each query.

        Nothing can be written meanwhile.
        """
        if self.name == "postgres" or not Path(self.location).exists():
            yield
            return
        with self._open_file():
            yield

    def table_exists(self, dataset: str, table: str) -> bool:
        """Whether a dataset has a table or view of this name."""
        return table in self.columns(dataset)

    def columns(self, dataset: str) -> dict[str, frozenset[str]]:
        """Names of the columns of every table of a dataset; empty when there is none."""
        if self.name == "duckdb" and not Path(self.location).exists():
            return {}
        found = self.read(
            "select table_name, column_name from information_schema.columns where table_schema = ?",
            [dataset],
        )
        names: dict[str, set[str]] = {}
        for row in found.to_pylist():
            names.setdefault(row["table_name"], set()).add(row["column_name"])
        return {table: frozenset(columns) for table, columns in names.items()}

    def types(self, dataset: str) -> dict[tuple[str, str], ColumnType]:
        """The types of the columns of a dataset, by table and column, as far as they are ours."""
        if self.name == "duckdb" and not Path(self.location).exists():
            return {}
        found = self.read(
            "select table_name, column_name, data_type, numeric_scale "
            "from information_schema.columns where table_schema = ?",
            [dataset],
        )
        types = {
            (row["table_name"], row["column_name"]): type_named(
                row["data_type"], row["numeric_scale"]
            )
            for row in found.to_pylist()
        }
        return {column: its for column, its in types.items() if its}

    def newest_load(self) -> dt.datetime | None:
        """When the last load was finished, of sources or of history, by the clock of then.

        UTC without zone; None where nothing has been loaded.
        """
        if self.name == "duckdb" and not Path(self.location).exists():
            return None
        with self.kept_open():
            datasets = self.read(
                f"""select table_schema from information_schema.tables
                where table_name = '{LOADS}'
                and (starts_with(table_schema, 'raw_') or table_schema = 'history')"""
            )
            loads = " union all ".join(
                f"select {loaded_at()} as moment from {dataset}.{LOADS} where status = 0"
                for dataset in datasets["table_schema"].to_pylist()
            )
            if not loads:
                return None
            [row] = self.read(f"select max(moment) as newest from ({loads}) as loads").to_pylist()
        moment: dt.datetime | None = row["newest"]
        return moment

    def threads(self) -> int:
        """How many threads of DuckDB have anything to do: all, or one while data are few.

        Where no raw table has rows for two, the others only wait, which takes time as well: a
        quarter of what building a tiny company's models takes.
        """
        if not Path(self.location).exists():
            return 1
        sizes = self.read(
            "select estimated_size from duckdb_tables() where starts_with(schema_name, 'raw_')"
        )
        is_little = all(size <= ROW_GROUP for size in sizes["estimated_size"].to_pylist())
        return 1 if is_little else max_threads()

    def dlt_destination(self) -> Any:
        """The dlt destination that loads into this warehouse."""
        import dlt

        if self.name == "postgres":
            return dlt.destinations.postgres(Address.of(self.location).for_dlt())
        Path(self.location).parent.mkdir(parents=True, exist_ok=True)
        limited = {"memory_limit": memory_limit(), "threads": max_threads()}
        return dlt.destinations.duckdb({"database": self.location, "global_config": limited})

    def check(self) -> None:
        """Make sure that the warehouse can be used; the next load makes one that is missing.

        A corrupt file is moved aside, with what is only in its log, so that the next run starts
        afresh; one that cannot be read is left as it is. Raises WarehouseError that says so, or who
        is using the file, or why the server does not answer. Marts that are corrupt, or without
        their warehouse, are removed.
        """
        if self.name == "postgres":
            self.read("select 1")
            return
        path = Path(self.location)
        if defect := self._defect(path):
            aside = unused_name(path, "unusable")
            _move(path, aside)
            self.forget_marts()
            raise WarehouseError(
                f"{path}: not a usable database ({defect}); it was moved aside to {aside.name}. "
                "What is published is untouched. Run again to build the warehouse anew from the "
                "sources; versions of records that the sources no longer hold are lost"
            )
        if defect := self._defect(self.marts):
            log.warning("%s: not usable (%s); this run builds it anew", self.marts, defect)
        if defect or not path.exists():
            self.forget_marts()

    def check_readable(self) -> None:
        """Raise WarehouseError where the file cannot be used; nothing is moved or made."""
        if self.name == "duckdb" and (defect := self._defect(Path(self.location))):
            raise WarehouseError(
                f"{self.location}: not a usable database ({defect}); the next run moves it aside"
            )

    def set_aside(self) -> Path | None:
        """Keep the file under a dated name, which is returned; the next load makes a new one.

        None where there is none. Its marts are not kept: they are published. Raises WarehouseError
        for PostgreSQL.
        """
        if self.name == "postgres":
            raise WarehouseError(
                f"{self}: FRESH=1 moves a DuckDB file aside. On PostgreSQL, name another database "
                f"in {POSTGRES_URL}; the old one stays as it is"
            )
        path = Path(self.location)
        self.forget_marts()
        if not path.exists():
            return None
        return _move(path, path.with_stem(f"{path.stem}-{dt.datetime.now(dt.UTC):%Y-%m-%d-%H%M%S}"))

    def forget_marts(self) -> None:
        """Remove the file of the marts, which a build makes anew."""
        if self.name == "duckdb":
            for path in (write_ahead_log(self.marts), self.marts):
                path.unlink(missing_ok=True)

    def locked(self, error: BaseException) -> WarehouseError | None:
        """What to tell the user when an error means that another process uses the warehouse."""
        text = str(error)
        if "Could not set lock" not in text:
            return None
        holder = re.search(r"PID (\d+)", text)
        who = f"process {holder[1]}" if holder else "another process"
        return WarehouseError(
            f"{self.location}: in use by {who}; wait until it is done, or end it, and run again"
        )

    def in_words(self, error: BaseException) -> str:
        """What an error of the database or its driver says, without what is secret."""
        if self.name == "duckdb":
            return first_line(error)
        from ingestion.warehouse.postgres import in_words

        return in_words(self.location, error)

    def _defect(self, path: Path) -> str | None:
        """What is corrupt in a file or its log, if anything is.

        Raises WarehouseError where that cannot be told.
        """
        import duckdb

        try:
            for file in (path, write_ahead_log(path)):
                _try_to_read(file)
            if path.exists():
                with self._connected(path):
                    pass
        except (duckdb.Error, OSError, UnicodeDecodeError) as error:
            if any(words in str(error) for words in CORRUPT):
                return first_line(error)
            raise _unreadable(path, error) from None
        return None

    @contextmanager
    def _open_file(self) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        path = Path(self.location)
        if not path.exists():
            raise WarehouseError(f"{self.location}: no warehouse yet; load the sources first")
        with self._connected(path) as connection:
            connection.execute("set TimeZone = 'UTC'")
            try:
                show_marts(connection, path)
            except duckdb.IOException as error:
                raise self.locked(error) or error from None
            yield connection

    def _connected(self, path: Path) -> duckdb.DuckDBPyConnection:
        import duckdb

        try:
            return duckdb.connect(path, read_only=True)
        except duckdb.ConnectionException:
            # This process has the file open for writing: share that instance.
            return duckdb.connect(path)
        except duckdb.IOException as error:
            raise self.locked(error) or error from None


def _try_to_read(path: Path) -> None:
    """Raise the OSError, if any, that keeps this process from reading a file that is there.

    DuckDB may abort the process where it meets one, such as too many open files, and would wait for
    ever for what is no file.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "not a file", str(path))
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        pass


def _unreadable(path: Path, error: Exception) -> WarehouseError:
    reason = (error.strerror or "") if isinstance(error, OSError) else first_line(error)
    remedy = (
        "it is of a newer DuckDB: run the version of salesops that wrote it"
        if "version number" in reason
        else "put that right (whose the file is, its disk, limits of files and memory)"
    )
    return WarehouseError(
        f"{path}: cannot be read ({reason}), which does not mean that it is damaged. It is left as "
        f"it is, and so is what is published: {remedy}, and run again"
    )


def _move(path: Path, aside: Path) -> Path:
    """Rename a file and its log; a log without its file is never left beside the next one."""
    log = write_ahead_log(path)
    if log.exists():
        log.rename(write_ahead_log(aside))
    return path.rename(aside)
