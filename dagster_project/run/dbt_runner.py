"""dbt, run inside this process: one start-up for parsing and building, nothing left behind."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.run.dbt_project import PROJECT_FOLDER, DbtProject
from ingestion.company.provided import provided
from ingestion.company.settings import Company
from ingestion.disk.kept import kept
from ingestion.errors import SalesopsError
from ingestion.extension.folder import ExtensionError
from ingestion.paths import CompanyPaths
from ingestion.warehouse.duckdb_sql import MEMORY_LIMIT, THREADS, memory_limit
from ingestion.warehouse.postgres_address import Address
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

log = logging.getLogger("salesops")

SHARED = PROJECT_FOLDER / "target"
"""What parsing has left for all companies; git ignores it."""
RESULT_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogTestResult"})
DATABASE = "SALESOPS_POSTGRES_DATABASE"
POSTGRES_VARIABLES = {
    "host": "SALESOPS_POSTGRES_HOST",
    "port": "SALESOPS_POSTGRES_PORT",
    "user": "SALESOPS_POSTGRES_USER",
    "password": "DBT_ENV_SECRET_SALESOPS_POSTGRES_PASSWORD",
    "dbname": DATABASE,
}
SAMPLE_ROWS = 5
QUIET = ("--quiet", "--log-level", "none", "--log-level-file", "info", "--no-use-colors")
LOG_BYTES = ("--log-file-max-bytes", str(1 << 20))
"""Of dbt's log, of which it keeps five earlier ones."""
MANIFEST = "manifest.json"
CATALOG = "catalog.json"
DOCS_PAGE = "index.html"
PARSED = "partial_parse.msgpack"
SEMANTICS = "semantic_manifest.json"
BUILD = ("build", "--exclude-resource-type", "unit_test", "--no-write-json")
NEVER = dt.datetime(9999, 12, 31)


class BuildError(SalesopsError):
    """The models could not be built, or a test of theirs failed."""


@dataclass(frozen=True)
class Failed:
    """A model or test that failed; `rows` is the query of what fails a test, None for an error."""

    resource_type: str
    name: str
    path: str
    message: str
    rows: str | None


@dataclass(frozen=True)
class Documented:
    """What dbt's docs are made of.

    The manifest has compiled SQL, the catalog the columns of what is built; the page shows both,
    where it has places for them.
    """

    manifest: dict[str, Any]
    catalog: dict[str, Any]
    page: str


@dataclass(frozen=True)
class Dbt:
    """The dbt project as one company's warehouse sees it."""

    company: Company
    paths: CompanyPaths
    warehouse: Warehouse

    @classmethod
    def of(cls, company: Company) -> Dbt:
        """The project on the company's own warehouse."""
        return cls(company, CompanyPaths.of(company), Warehouse.of(company))

    def manifest(self) -> dict[str, Any]:
        """The parsed project; parsed anew only when one of its files or settings has changed.

        Raises BuildError with dbt's message when the project does not parse.
        """
        return json.loads((self._parsed() / MANIFEST).read_bytes())

    def semantics(self) -> dict[str, Any]:
        """What MetricFlow reads of the parsed project; raises as `manifest` does."""
        return json.loads((self._parsed() / SEMANTICS).read_bytes())

    def check(self) -> None:
        """Parse the project, and leave nothing. Raises as `manifest` does."""
        with tempfile.TemporaryDirectory() as folder:
            project, target = Path(folder) / "project", Path(folder) / "target"
            self.project.write(project)
            self._parse_into(target, project)

    def build(
        self,
        env: Mapping[str, str],
        selection: Sequence[str],
        on_result: Callable[[dict[str, Any]], None],
    ) -> list[Any]:
        """Build and test the selected models, handing each node's result event to `on_result`.

        `env` holds at least the `run_values`, which the macros read from the environment. Returns
        the nodes in the order in which they were built, with their compiled SQL.
        Raises BuildError saying what failed first and how many others did, ExtensionError where
        it is SQL of the company's own.
        """
        from dbt_common.events.functions import msg_to_dict

        def on_event(event: Any) -> None:
            if event.info.name in RESULT_EVENTS:
                on_result(msg_to_dict(event))

        arguments = [*BUILD, *selection]
        result = self._run_parsed(arguments, env, on_event)
        if not result.success:
            raise self._failure(result)
        return [one.node for one in getattr(result.result, "results", [])]

    def compiled(self, names: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
        """The SQL of models and analyses, by name; `env` as in `build`."""
        result = self._run_parsed(["compile", "--no-write-json", "--select", *names], env)
        if not result.success:
            raise self._failure(result)
        found = getattr(result.result, "results", [])
        return {one.node.name: one.node.compiled_code for one in found}

    def documented(self, env: Mapping[str, str]) -> Documented:
        """What dbt's page of docs shows of the last build; `env` as in `build`."""
        with tempfile.TemporaryDirectory() as folder:
            result = self._run_parsed(["docs", "generate"], env, target=Path(folder))
            if not result.success:
                raise self._failure(result)
            manifest, catalog = (
                json.loads((Path(folder) / name).read_bytes()) for name in (MANIFEST, CATALOG)
            )
            return Documented(manifest, catalog, (Path(folder) / DOCS_PAGE).read_text("utf-8"))

    def build_command(self) -> list[str]:
        """The same build of everything as a command of its own; see `connection`."""
        places = ["--target-path", str(self._target), "--log-path", str(self._target)]
        dbt = str(Path(sys.executable).with_name("dbt"))
        return [dbt, *QUIET, *BUILD, *self._arguments, *places]

    @property
    def connection(self) -> dict[str, str]:
        """The environment variables that profiles.yml reads."""
        if self.warehouse.name == "duckdb":
            return {**self._address, THREADS: str(self.warehouse.threads())}
        return self._address

    @property
    def _address(self) -> dict[str, str]:
        """Those that do not depend on what is in the warehouse."""
        if self.warehouse.name == "duckdb":
            return {"SALESOPS_WAREHOUSE": self.warehouse.location, MEMORY_LIMIT: memory_limit()}
        given = Address.of(self.warehouse.location).parts
        return {name: given[part] for part, name in POSTGRES_VARIABLES.items() if part in given}

    @cached_property
    def project(self) -> DbtProject:
        """What is parsed and built."""
        return DbtProject(self.company)

    @property
    def _target(self) -> Path:
        return self.paths.dbt / "target"

    @property
    def variables(self) -> dict[str, Any]:
        """What the company's file says, as the models read it."""
        return {
            "timezone": self.company.timezone,
            "currency": self.company.currency,
            "fiscal_year_start_month": self.company.fiscal_year_start_month,
            "closing": self.company.closing,
            "team": self.company.team,
            "personal_quotas": list(self.company.personal_quotas),
            **self.company.calendar.variables,
            "goals": [goal.variables for goal in self.company.goals],
            **self.company.finance.model_dump(),
            **self.company.marketing.model_dump(),
            "reps": self.company.audience.reps,
            "provided": provided(self.company),
            **self._parsing_variables,
        }

    @property
    def _arguments(self) -> list[str]:
        return ["--vars", json.dumps(self.variables), *self._of(self.project.folder)]

    @property
    def _parsing_variables(self) -> dict[str, Any]:
        """The settings that decide which models there are; all others matter to their SQL alone."""
        return {"source_types": list(self.company.source_types)}

    def _of(self, project: Path) -> list[str]:
        return [
            *("--target", self.warehouse.name),
            *("--project-dir", str(project)),
            *("--profiles-dir", str(PROJECT_FOLDER)),
        ]

    def _parsed(self) -> Path:
        """The folder of what parsing has left: one for all companies that parse alike.

        It is in the project, or with the company where the project is its own or cannot be
        written to.
        """
        kind, key = f"parsed-{self.warehouse.name}", self.fingerprint()
        if self.project.is_the_products:
            with suppress(OSError):
                return kept(SHARED, kind, key, self._parse)
        return kept(CompanyPaths.of(self.company).dbt, kind, key, self._parse)

    def _parse(self, folder: Path) -> None:
        """Parse with nothing but what the fingerprint holds; leave only what runs read."""
        log.info("parsing the dbt project (only after a change)")
        self._parse_into(folder, self.project.folder)
        for path in folder.iterdir():
            if path.name not in (MANIFEST, PARSED, SEMANTICS):
                path.unlink() if path.is_file() else shutil.rmtree(path)

    def _parse_into(self, target: Path, project: Path) -> None:
        variables = ["--vars", json.dumps(self._parsing_variables)]
        result = self._invoke(["parse", *variables, *self._of(project)], target, {})
        if not result.success:
            raise self._unparsed(str(result.exception))

    def fingerprint(self) -> str:
        """Hash of all that parsing depends on: files, kinds of sources, database, dbt itself."""
        database = self._address.get(DATABASE) or Path(self.warehouse.location).stem
        digest = hashlib.sha256()
        parts = (json.dumps(self._parsing_variables), self.warehouse.name, database)
        for text in (*parts, self.project.digest):
            digest.update(text.encode() + b"\0")
        for package in ("dbt-core", f"dbt-{self.warehouse.name}"):
            digest.update(version(package).encode() + b"\0")
        return digest.hexdigest()[:16]

    def parsed(self) -> Manifest:
        """The parsed project as dbt's commands take it; raises BuildError as `manifest` does."""
        from dbt.contracts.graph.manifest import Manifest
        from dbt.parser.manifest import extended_mashumuro_decoder

        content = (self._parsed() / PARSED).read_bytes()
        manifest = Manifest.from_msgpack(content, decoder=extended_mashumuro_decoder)
        manifest.build_flat_graph()
        return manifest

    def _run_parsed(
        self,
        arguments: list[str],
        env: Mapping[str, str],
        on_event: Callable[[Any], None] | None = None,
        target: Path | None = None,
    ) -> dbtRunnerResult:
        """Run a command on the parsed project; its files are not looked at again."""
        arguments = [*arguments, *self._arguments]
        env = {**self.connection, **env}
        return self._invoke(arguments, target or self._target, env, on_event, self.parsed())

    def _invoke(
        self,
        arguments: list[str],
        target: Path,
        env: Mapping[str, str],
        on_event: Callable[[Any], None] | None = None,
        manifest: Manifest | None = None,
    ) -> dbtRunnerResult:
        from dbt.cli.main import dbtRunner

        places = ["--target-path", str(target), "--log-path", str(target)]
        callbacks = [on_event] if on_event else []
        with _environment({**self._address, **env}):
            try:
                return dbtRunner(manifest, callbacks).invoke(
                    [*QUIET, *LOG_BYTES, *arguments, *places]
                )
            finally:
                self._disconnect()

    def _disconnect(self) -> None:
        """Close the DuckDB file, which dbt would keep open until the process ends."""
        if self.warehouse.name == "duckdb":
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager

            DuckDBConnectionManager.close_all_connections()

    def _failure(self, result: dbtRunnerResult) -> SalesopsError:
        """What dbt says that failed."""
        if isinstance(result.exception, KeyboardInterrupt):
            raise result.exception
        failed = [
            Failed(
                one.node.resource_type,
                one.node.name,
                one.node.original_file_path,
                one.message or "",
                one.node.compiled_code if one.status == "fail" else None,
            )
            for one in getattr(result.result, "results", [])
            if one.status in ("error", "fail", "runtime error")
        ]
        return self.told(failed) if failed else BuildError(f"dbt failed: {result.exception}")

    def told(self, failed: Sequence[Failed]) -> SalesopsError:
        """What failed first, with sample rows where it is a test.

        SQL of the company's own that cannot be run is for the company to mend.
        """
        first = failed[0]
        lines = [line.strip() for line in first.message.splitlines() if line.strip()]
        own = self.project.origin(first.path)
        if own and first.rows is None:
            return ExtensionError(f"{own}: this SQL cannot be run; mend it: {' '.join(lines[:4])}")
        what = f"{first.resource_type} {first.name} ({own or first.path})"
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        message = f"dbt: {what} failed: {' '.join(lines[:4])}{others}"
        if first.rows:
            message += f"\n  for example {self._samples(first.rows)}"
        return BuildError(message)

    def _unparsed(self, message: str) -> SalesopsError:
        """What dbt cannot read; of a company's own project, what the company has added to ours."""
        if self.project.is_the_products:
            return BuildError(f"dbt cannot parse its project: {message}")
        told = " ".join(self.project.in_own_words(message).split())
        return ExtensionError(f"{self.company.path}: extend: dbt cannot read it; mend it: {told}")

    def _samples(self, sql: str) -> str:
        rows = self.warehouse.read(f"select * from ({sql}) as failures limit {SAMPLE_ROWS}")
        return json.dumps(rows.to_pylist(), default=str)


def run_values(
    as_of: dt.datetime,
    known_at: dt.datetime,
    run_id: str = "none",
    company_as_of: dt.datetime | None = None,
) -> dict[str, str]:
    """The run's own values as the macros read them; all moments are UTC without zone.

    `company_as_of` is the moment at which the company's data ends, where company.yml says it.
    """
    return {
        "SALESOPS_AS_OF": as_of.isoformat(" ", "microseconds"),
        "SALESOPS_COMPANY_AS_OF": (company_as_of or NEVER).isoformat(" ", "microseconds"),
        "SALESOPS_KNOWN_AT": known_at.isoformat(" ", "microseconds"),
        "SALESOPS_RUN_ID": run_id,
    }


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
