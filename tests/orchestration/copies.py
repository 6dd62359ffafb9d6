"""A copy of the edge-case company that a test may break, run as `make run` runs it."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen

import duckdb
import yaml

from dagster_project.publication import open_published
from ingestion.paths import PROJECT
from tests.kpis.companies import Published
from tests.runs import Run, run, started

EDGE_CASES = PROJECT / "tests" / "companies" / "edge_cases"


@contextmanager
def held_to_write(marts: Path, sql: str = "select 1") -> Iterator[None]:
    """Another process has a published file open to write, and has done something in it."""
    code = "import duckdb, sys; held = duckdb.connect(sys.argv[1]).execute(sys.argv[2]); input(1)"
    tool = Popen([sys.executable, "-c", code, str(marts), sql], stdin=PIPE, stdout=PIPE)
    assert tool.stdout is not None
    try:
        assert tool.stdout.read(1) == b"1"
        yield
    finally:
        tool.kill()
        tool.communicate()


@dataclass(frozen=True)
class Copy:
    """A company's files and data under one folder."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Copy:
        """Copy the edge-case company to `root`; it has never been run."""
        shutil.copytree(EDGE_CASES, root / "company")
        return cls(root)

    @classmethod
    def of(cls, published: Published, root: Path) -> Copy:
        """Copy the edge-case company as it is after its first run."""
        published.with_own_files(root)
        return cls(root)

    @property
    def file(self) -> Path:
        return self.root / "company" / "company.yml"

    @property
    def data(self) -> Path:
        return self.root / "data" / "edge_cases"

    @property
    def marts(self) -> Path:
        return self.data / "published" / "salesops.duckdb"

    @property
    def people(self) -> Path:
        return self.data / "published" / "people.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"SALESOPS_DATA": str(self.root / "data")}

    def export(self, name: str) -> Path:
        """One of the company's CSV files."""
        return self.root / "company" / "exports" / name

    def run(
        self, *options: str, tampered: Callable[[], object] | None = None
    ) -> CompletedProcess[str]:
        """Run the company to the end, its process tampered with before."""
        return run(self.file, self.root / "data", *options, tampered=tampered)

    def started(
        self, *options: str, tampered: Callable[[], object] | None = None
    ) -> AbstractContextManager[Run]:
        """A run that can be watched and killed."""
        return started(self.file, self.root / "data", *options, tampered=tampered)

    def published(self) -> dict[str, str]:
        """Hashes of all files that readers see, by path."""
        folder = self.data / "published"
        seen = [*folder.glob("*.*"), *(folder / "parquet").glob("*")]
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in seen
            if path.is_file() and not path.name.endswith(".tmp")
        }

    def kpis(self) -> list[tuple[object, ...]]:
        """Every published KPI value, without the run that made it."""
        with open_published(self.marts) as connection:
            return connection.execute(
                "select * exclude (run_id, as_of) from marts.kpi_values order by all"
            ).fetchall()

    def loads(self) -> int:
        """Number of completed loads."""
        with duckdb.connect(self.data / "warehouse.duckdb", read_only=True) as connection:
            row = connection.execute(
                "select count(*) from raw_files._dlt_loads where status = 0"
            ).fetchone()
        assert row is not None
        return row[0]

    def settings(self, **changes: object) -> None:
        """Change keys of the company file."""
        document = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        self.file.write_text(yaml.safe_dump(document | changes), encoding="utf-8")
