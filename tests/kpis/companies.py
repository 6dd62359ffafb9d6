"""Companies published for the tests: real runs of the command line, read as a BI tool would."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd

from dagster_project.publication import open_published
from dagster_project.run.recipe import code_hash
from ingestion.paths import PROJECT
from ingestion.warehouse.marts_file import show_marts
from tests.runs import run

COMPANIES = PROJECT / "tests" / "companies"
SHARED = PROJECT.parent / "shared" / "data"


@dataclass(frozen=True)
class TestCompany:
    """A company file, and the folder of the exports that it reads."""

    file: Path
    exports: Path

    __test__ = False

    def fingerprint(self) -> str:
        """Hash of the code, the company's file and its exports."""
        digest = hashlib.sha256(code_hash().encode())
        for path in (self.file, *sorted(self.exports.rglob("*"))):
            if path.is_file():
                digest.update(path.name.encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]


TEST_COMPANIES: Mapping[str, TestCompany] = {
    "edge_cases": TestCompany(
        COMPANIES / "edge_cases" / "company.yml", COMPANIES / "edge_cases" / "exports"
    ),
    "closing": TestCompany(
        COMPANIES / "closing" / "company.yml", COMPANIES / "closing" / "exports"
    ),
    "answers": TestCompany(COMPANIES / "answers" / "company.yml", COMPANIES / "answers"),
    "maven": TestCompany(COMPANIES / "maven.yml", SHARED / "maven_crm"),
    "olist": TestCompany(COMPANIES / "olist.yml", SHARED / "olist"),
    "kag": TestCompany(COMPANIES / "kag.yml", SHARED / "kag_facebook_ads"),
    "bpi2012": TestCompany(COMPANIES / "bpi2012.yml", SHARED / "bpi2012"),
}

REFERENCE_COMPANIES: Mapping[str, TestCompany] = {
    "online_retail": TestCompany(COMPANIES / "online_retail.yml", SHARED / "online_retail_ii"),
}
"""Companies of which others have recomputed figures, and that are too large for the oracle."""

BY_A_RUN = frozenset(("edge_cases",))
"""Those that are published by a run; the others are from SQL, unless proofs are thorough.

Of them it is the numbers that are asked for, not how they came to be.
"""


@dataclass(frozen=True)
class Published:
    """What a run has published and what it read, as DuckDB files."""

    company: Path
    folder: Path

    def copied_to(self, root: Path) -> Published:
        """A copy of what the company's run has made, for further runs."""
        folder = root / "data" / self.folder.name
        shutil.copytree(self.folder, folder, symlinks=True)
        return Published(self.company, folder)

    def with_own_files(self, root: Path) -> Published:
        """A copy that has the company's file and exports, too, for a test to change."""
        shutil.copytree(self.company.parent, root / "company")
        return replace(self.copied_to(root), company=root / "company" / self.company.name)

    def marts(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """Rows from the published marts."""
        with open_published(self.folder / "published" / "salesops.duckdb") as connection:
            return connection.execute(sql, parameters).df()

    def warehouse(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """Rows from the warehouse that the run worked in."""
        warehouse = self.folder / "warehouse.duckdb"
        with duckdb.connect(warehouse, read_only=True) as connection:
            show_marts(connection, warehouse)
            return connection.execute(sql, parameters).df()

    def kpi(self, metric: str, variant: str = "default", **where: str) -> float:
        """The value of a KPI: for the company and all time, unless said otherwise."""
        where = {"period_grain": "all", "dimension": "company", "dimension_key": "all"} | where
        conditions = "".join(f" and cast({column} as varchar) = ?" for column in where)
        rows = self.marts(
            f"select value from marts.kpi_values where metric = ? and variant = ?{conditions}",
            [metric, variant, *where.values()],
        )
        assert len(rows) == 1, f"{metric} {variant} {where}: {len(rows)} rows"
        return float(rows["value"].iloc[0])

    def as_of(self, label: str) -> Published:
        """What a time-travel run has made beside it."""
        return Published(self.company, self.folder / "as_of" / label)


def publish(company: Path, data: Path, *options: str) -> None:
    """Run a company; the test fails with the run's output unless something was published."""
    done = run(company, data, *options)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
