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
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.company import Company
from ingestion.duckdb_sql import MEMORY_LIMIT, memory_limit
from ingestion.errors import SalesopsError
from ingestion.paths import PROJECT, CompanyPaths
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

log = logging.getLogger("salesops")

PROJECT_FOLDER = PROJECT / "dbt"
RESULT_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogTestResult"})
DATABASE = "SALESOPS_POSTGRES_DATABASE"
POSTGRES_VARIABLES = {
    "host": "SALESOPS_POSTGRES_HOST",
    "port": "SALESOPS_POSTGRES_PORT",
    "user": "SALESOPS_POSTGRES_USER",
    "password": "SALESOPS_POSTGRES_PASSWORD",
    "dbname": DATABASE,
}
SAMPLE_ROWS = 5
QUIET = ("--quiet", "--log-level", "none", "--log-level-file", "info", "--no-use-colors")
MANIFEST = "manifest.json"
PARSED = "partial_parse.msgpack"
BUILD = ("build", "--exclude-resource-type", "unit_test")
NEVER = dt.datetime(9999, 12, 31)


class BuildError(SalesopsError):
    """The models could not be built, or a test of theirs failed."""


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

    def build(
        self,
        env: Mapping[str, str],
        selection: Sequence[str],
        on_result: Callable[[dict[str, Any]], None],
    ) -> None:
        """Build and test the selected models, handing each node's result event to `on_result`.

        `env` holds at least the `run_values`, which the macros read from the environment.
        Raises BuildError saying what failed first and how many others did.
        """
        from dbt_common.events.functions import msg_to_dict

        def on_event(event: Any) -> None:
            if event.info.name in RESULT_EVENTS:
                on_result(msg_to_dict(event))

        arguments = [*BUILD, *selection]
        result = self._run_parsed(arguments, env, on_event)
        if not result.success:
            raise BuildError(self._failure(result))

    def compiled(self, names: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
        """The SQL of models and analyses, by name; `env` as in `build`."""
        result = self._run_parsed(["compile", "--select", *names], env, lambda event: None)
        if not result.success:
            raise BuildError(self._failure(result))
        found = getattr(result.result, "results", [])
        return {one.node.name: one.node.compiled_code for one in found}

    def build_command(self) -> list[str]:
        """The same build of everything as a command of its own; see `connection`."""
        places = ["--target-path", str(self._target), "--log-path", str(self._target)]
        dbt = str(Path(sys.executable).with_name("dbt"))
        return [dbt, *QUIET, *BUILD, *self._arguments, *places]

    @property
    def connection(self) -> dict[str, str]:
        """The environment variables that profiles.yml reads."""
        if self.warehouse.name == "duckdb":
            return {"SALESOPS_WAREHOUSE": self.warehouse.location, MEMORY_LIMIT: memory_limit()}
        from psycopg2.extensions import parse_dsn

        given = parse_dsn(self.warehouse.location)
        return {name: given[part] for part, name in POSTGRES_VARIABLES.items() if part in given}

    @property
    def _target(self) -> Path:
        return self.paths.dbt / "target"

    @property
    def _arguments(self) -> list[str]:
        variables = {
            "timezone": self.company.timezone,
            "currency": self.company.currency,
            "fiscal_year_start_month": self.company.fiscal_year_start_month,
            "source_types": list(self.company.source_types),
            "closing": self.company.closing,
        }
        return [
            *("--target", self.warehouse.name),
            *("--vars", json.dumps(variables)),
            *("--project-dir", str(PROJECT_FOLDER)),
            *("--profiles-dir", str(PROJECT_FOLDER)),
        ]

    def _parsed(self) -> Path:
        """The folder of what parsing has left, which all runs of the company share.

        It is parsed in a folder aside, so that a build under way is not disturbed.
        """
        home = CompanyPaths.of(self.company).dbt
        parsed = home / f"parsed-{self.warehouse.name}-{self._fingerprint()}"
        if parsed.exists():
            return parsed
        log.info("parsing the dbt project (only after a change)")
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="parse-", dir=home) as folder:
            result = self._invoke(["parse"], Path(folder), {}, lambda event: None)
            if not result.success:
                raise BuildError(f"dbt cannot parse its project: {result.exception}")
            for older in home.glob(f"parsed-{self.warehouse.name}-*"):
                shutil.rmtree(older, ignore_errors=True)
            aside = Path(folder) / parsed.name
            aside.mkdir()
            for name in (MANIFEST, PARSED):
                shutil.move(Path(folder) / name, aside / name)
            try:
                aside.rename(parsed)
            except OSError:
                if not parsed.exists():
                    raise
                log.info("another run has parsed it meanwhile")
        return parsed

    def _fingerprint(self) -> str:
        """Hash of all that parsing depends on: files, settings, the name of the database."""
        database = self.connection.get(DATABASE) or Path(self.warehouse.location).stem
        digest = hashlib.sha256()
        for text in (*self._arguments, database, version("dbt-core")):
            digest.update(text.encode() + b"\0")
        for path in project_files():
            digest.update(str(path.relative_to(PROJECT_FOLDER)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def _run_parsed(
        self, arguments: list[str], env: Mapping[str, str], on_event: Callable[[Any], None]
    ) -> dbtRunnerResult:
        """Run a command on the parsed project; its files are not looked at again."""
        from dbt.contracts.graph.manifest import Manifest
        from dbt.parser.manifest import extended_mashumuro_decoder

        manifest = Manifest.from_msgpack(
            (self._parsed() / PARSED).read_bytes(), decoder=extended_mashumuro_decoder
        )
        manifest.build_flat_graph()
        return self._invoke(arguments, self._target, env, on_event, manifest)

    def _invoke(
        self,
        arguments: list[str],
        target: Path,
        env: Mapping[str, str],
        on_event: Callable[[Any], None],
        manifest: Manifest | None = None,
    ) -> dbtRunnerResult:
        from dbt.cli.main import dbtRunner

        places = ["--target-path", str(target), "--log-path", str(target)]
        with _environment({**self.connection, **env}):
            try:
                return dbtRunner(manifest, callbacks=[on_event]).invoke(
                    [*QUIET, *arguments, *self._arguments, *places]
                )
            finally:
                self._disconnect()

    def _disconnect(self) -> None:
        """Close the DuckDB file, which dbt would keep open until the process ends."""
        if self.warehouse.name == "duckdb":
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager

            DuckDBConnectionManager.close_all_connections()

    def _failure(self, result: dbtRunnerResult) -> str:
        """What failed first, with sample rows where it is a test."""
        if isinstance(result.exception, KeyboardInterrupt):
            raise result.exception
        results = getattr(result.result, "results", [])
        failed = [one for one in results if one.status in ("error", "fail", "runtime error")]
        if not failed:
            return f"dbt failed: {result.exception}"
        first = failed[0]
        lines = [line.strip() for line in (first.message or "").splitlines() if line.strip()]
        what = f"{first.node.resource_type} {first.node.name} ({first.node.original_file_path})"
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        message = f"dbt: {what} failed: {' '.join(lines[:4])}{others}"
        if first.status == "fail" and first.node.compiled_code:
            message += f"\n  for example {self._samples(first.node.compiled_code)}"
        return message

    def _samples(self, sql: str) -> str:
        rows = self.warehouse.read(f"select * from ({sql}) as failures limit {SAMPLE_ROWS}")
        return json.dumps(rows.to_pylist(), default=str)


def project_files() -> list[Path]:
    """The files of the dbt project that its meaning depends on, sorted."""
    folders = ("analyses", "macros", "models", "seeds", "tests")
    found = [path for folder in folders for path in (PROJECT_FOLDER / folder).rglob("*")]
    return sorted([*PROJECT_FOLDER.glob("*.yml"), *(path for path in found if path.is_file())])


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
