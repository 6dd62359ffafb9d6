"""The warehouse: one DuckDB file per company, or a PostgreSQL database."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ingestion.company import Company
from ingestion.errors import WarehouseError
from ingestion.paths import CompanyPaths

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

POSTGRES_URL = "SALESOPS_POSTGRES_URL"


@dataclass(frozen=True)
class Warehouse:
    """Where raw data and models live. `location` is a file's path or a PostgreSQL address."""

    name: Literal["duckdb", "postgres"]
    location: str

    @classmethod
    def of(cls, company: Company) -> Warehouse:
        """The warehouse that company.yml chooses.

        Raises WarehouseError when it is PostgreSQL and SALESOPS_POSTGRES_URL is not set.
        """
        if company.destination == "duckdb":
            return cls("duckdb", str(CompanyPaths.of(company).warehouse))
        url = os.environ.get(POSTGRES_URL)
        if not url:
            raise WarehouseError(
                f"{company.path}: destination = 'postgres' needs the environment variable "
                f"{POSTGRES_URL}, e.g. postgresql://user:password@host:5432/database"
            )
        return cls("postgres", url)

    def read(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """The rows of a query, whose parameters are written `?`. Never blocks a later writer."""
        if self.name == "postgres":
            from ingestion.postgres import read

            return read(self.location, sql, params)
        with self.open_duckdb() as connection:
            return connection.execute(sql, list(params)).to_arrow_table()

    def table_exists(self, dataset: str, table: str) -> bool:
        """Whether a table or view of this name exists."""
        return table in self.columns(dataset)

    def columns(self, dataset: str) -> dict[str, frozenset[str]]:
        """Names of the columns of every table of a dataset; empty when there is none."""
        if self.name == "duckdb" and not Path(self.location).exists():
            return {}
        found = self.read(
            "select table_name, column_name from information_schema.columns "
            "where table_schema = ? order by table_name",
            [dataset],
        )
        names: dict[str, set[str]] = {}
        for row in found.to_pylist():
            names.setdefault(row["table_name"], set()).add(row["column_name"])
        return {table: frozenset(columns) for table, columns in names.items()}

    def dlt_destination(self) -> Any:
        """The dlt destination that loads into this warehouse."""
        import dlt

        if self.name == "postgres":
            return dlt.destinations.postgres(self.location)
        Path(self.location).parent.mkdir(parents=True, exist_ok=True)
        return dlt.destinations.duckdb(self.location)

    def check(self) -> None:
        """Make sure that the warehouse can be used; one that is missing is made by the next load.

        A file that is no database is moved aside, so that the next run starts afresh. Raises
        WarehouseError saying so, or who holds the lock, or why the server does not answer.
        """
        if self.name == "postgres":
            self.read("select 1")
        elif Path(self.location).exists():
            self._check_file(Path(self.location))

    def _check_file(self, path: Path) -> None:
        import duckdb

        if path.stat().st_size:
            try:
                with self.open_duckdb():
                    return
            except WarehouseError:
                raise
            except (duckdb.Error, UnicodeDecodeError) as error:
                cause = _first_line(error)
        else:
            cause = "the file is empty"
        aside = _unused(path)
        path.rename(aside)
        Path(f"{path}.wal").unlink(missing_ok=True)
        raise WarehouseError(
            f"{path}: not a usable database ({cause}). It was moved aside to {aside.name}; "
            "what is published is untouched. Run again to rebuild the warehouse from the "
            "sources: versions that the sources no longer hold are lost"
        )

    @contextmanager
    def open_duckdb(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to the DuckDB file.

        Raises WarehouseError naming the process that holds the file's lock.
        """
        import duckdb

        try:
            connection = duckdb.connect(self.location, read_only=True)
        except duckdb.ConnectionException:
            # This process has the file open for writing: share that instance.
            connection = duckdb.connect(self.location)
        except duckdb.IOException as error:
            raise _locked(self.location, error) or error from None
        with connection:
            connection.execute("set TimeZone = 'UTC'")
            yield connection


def _locked(location: str, error: Exception) -> WarehouseError | None:
    text = str(error)
    if "lock" not in text:
        return None
    holder = re.search(r"PID (\d+)", text)
    who = f"process {holder[1]}" if holder else "another process"
    return WarehouseError(
        f"{location}: in use by {who}; wait until it has finished, or close it, and run again"
    )


def _unused(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.unusable-{number}")).exists():
        number += 1
    return aside


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
