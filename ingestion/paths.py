"""Where a company's runs keep what they make: `data/<company>/`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ingestion.company.settings import Company

PROJECT = Path(__file__).resolve().parent.parent

PUBLISHED, PUBLICATIONS = "published", "publications"
PUBLISHED_FILE, PARQUET = "salesops.duckdb", "parquet"
PEOPLE_FILE = "people.duckdb"
DASHBOARD, PEOPLE_DASHBOARD = "dashboard", "people"
"""The folders of a publication's pages; the one of people is as closed as its file."""


def write_ahead_log(file: Path) -> Path:
    """Where DuckDB keeps what was written and has not got into a file yet."""
    return Path(f"{file}.wal")


def unused_name(path: Path, why: str) -> Path:
    """A name beside `path` that nothing has: `<name>.<why>-1`, or the next number."""
    number = 1
    while os.path.lexists(free := path.with_name(f"{path.name}.{why}-{number}")):
        number += 1
    return free


def data_root() -> Path:
    """The folder of all companies' data: `SALESOPS_DATA`, else `data/` in the project."""
    return Path(os.environ.get("SALESOPS_DATA") or PROJECT / "data").resolve()


@dataclass(frozen=True)
class CompanyPaths:
    """The folders and files of one company."""

    root: Path

    @classmethod
    def of(cls, company: Company) -> CompanyPaths:
        """The paths of a company under the data root."""
        return cls(data_root() / company.slug)

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that loads and builds write to."""
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The link to what is published: both DuckDB files, `parquet/` and `manifest.json`."""
        return self.root / PUBLISHED

    @property
    def marts(self) -> Path:
        """The published DuckDB file."""
        return self.published / PUBLISHED_FILE

    @property
    def people(self) -> Path:
        """The published DuckDB file of what is about single people."""
        return self.published / PEOPLE_FILE

    @property
    def publications(self) -> Path:
        """The folders of the last publications, named by their runs."""
        return self.root / PUBLICATIONS

    @property
    def data_docs(self) -> Path:
        """The Data Docs site of the audits."""
        return self.root / "data_docs"

    @property
    def logs(self) -> Path:
        """One log per run, and the list of those that failed."""
        return self.root / "logs"

    @property
    def dlt(self) -> Path:
        """Working folders of the dlt pipelines."""
        return self.root / "dlt"

    @property
    def dbt(self) -> Path:
        """The target and log folders of dbt."""
        return self.root / "dbt"

    @property
    def dagster(self) -> Path:
        """Dagster's home: run history and event logs."""
        return self.root / "dagster"

    @property
    def lock(self) -> Path:
        """Held by the one run that may write."""
        return self.root / "run.lock"
