"""Models as dbt compiles them, built as of any moment without dbt's own time."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from dagster_project.run.builds import BUILD
from dagster_project.run.dbt_runner import Dbt, run_values
from ingestion.company.settings import Company
from ingestion.disk.kept import kept
from ingestion.paths import CompanyPaths
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.marts_file import DATABASE
from ingestion.warehouse.warehouse import Warehouse
from tests.store import STORE

COMPILED = "compiled.json"
APART = f'"{DATABASE}".'
NEVER = run_values(
    dt.datetime(1900, 1, 1, 1, 1, 1, 1),
    dt.datetime(1900, 2, 2, 2, 2, 2, 2),
    "id of a run",
    company_as_of=dt.datetime(1900, 3, 3, 3, 3, 3, 3),
)
"""What stands for a run's values in the statements."""


class OnceParsed(Dbt):
    """The project with the models of all types of sources: parsed once for all companies.

    What is compiled is the company's own; models of types that it has not are left out.
    """

    @property
    def _parsing_variables(self) -> dict[str, Any]:
        return {"source_types": sorted({*SOURCE_TYPES, *self.company.source_types})}

    @property
    def variables(self) -> dict[str, Any]:
        """As those of the company's runs."""
        return {**super().variables, "source_types": list(self.company.source_types)}

    @property
    def without_others(self) -> list[str]:
        """What leaves out of a selection the types that the company has not.

        Tests come where they are selected, and not with what they test.
        """
        others = sorted({*SOURCE_TYPES} - {*self.company.source_types})
        paths = [f"path:models/staging/{it}" for it in others]
        return ["--indirect-selection", "empty", "--exclude", *paths]


@dataclass(frozen=True)
class CompiledModels:
    """The statements of a company's whole build by model, in order."""

    warehouse: Path
    company_as_of: dt.datetime | None
    statements: Mapping[str, str]
    parents: Mapping[str, list[str]]
    schemas: tuple[str, ...]

    @classmethod
    def of(cls, company: Company) -> CompiledModels:
        """Those of a company's settings, compiled once for all that have the same."""

        def make(folder: Path) -> None:
            home = folder / "compiling"
            warehouse = Warehouse("duckdb", str(home / "warehouse.duckdb"))
            dbt = OnceParsed(company, CompanyPaths(home), warehouse)
            home.mkdir()
            # The edge cases' run finds circles; to look for them takes a sixth of the time.
            with patch("dbt.compilation.Linker.find_cycles", return_value=None):
                sql = dbt.compiled(["resource_type:model", *dbt.without_others], NEVER)
            shutil.rmtree(home)
            told = _compiled(dbt.manifest(), sql)
            (folder / COMPILED).write_text(json.dumps(told), encoding="utf-8")

        dbt = OnceParsed.of(company)
        depends_on = json.dumps([dbt.fingerprint(), dbt.variables, NEVER])
        key = hashlib.sha256(depends_on.encode()).hexdigest()[:16]
        folder = kept(STORE, "compiled", key, make, last=8)
        return cls(
            CompanyPaths.of(company).warehouse,
            company.own_as_of,
            **json.loads((folder / COMPILED).read_text(encoding="utf-8")),
        )

    def build(self, as_of: dt.datetime, known_at: dt.datetime, models: Iterable[str]) -> None:
        """Build models, and what they rest on, as of a moment and as known at one (UTC)."""
        values = run_values(as_of, known_at, company_as_of=self.company_as_of)
        needed = self._with_parents(f"model.salesops.{model}" for model in models)
        threads = Warehouse("duckdb", str(self.warehouse)).threads()
        with duckdb.connect(self.warehouse) as connection:
            connection.execute(f"set threads = {threads}")
            self.run(connection, needed, values)

    def run(
        self,
        connection: duckdb.DuckDBPyConnection,
        models: Collection[str],
        values: Mapping[str, str],
    ) -> None:
        """Run the statements of models, by their names in dbt, with a run's values."""
        connection.execute("set TimeZone = 'UTC'")
        for schema in self.schemas:
            connection.execute(f"create schema if not exists {schema}")
        for model, statement in self.statements.items():
            if model in models:
                for name, never in NEVER.items():
                    statement = statement.replace(f"'{never}'", f"'{values[name]}'")
                connection.execute(statement)

    def _with_parents(self, models: Iterable[str]) -> set[str]:
        found: set[str] = set()
        todo = list(models)
        while todo:
            model = todo.pop()
            if model not in found:
                found.add(model)
                todo += self.parents.get(model, [])
        return found


def _compiled(manifest: Mapping[str, Mapping], sql: Mapping[str, str]) -> dict[str, object]:
    """The fields of CompiledModels, from dbt's manifest and the compiled SQL of models by name.

    What a run builds in a file of its own is built in the warehouse, too.
    """
    parents = manifest["parent_map"]
    nodes = [manifest["nodes"].get(name) for name in TopologicalSorter(parents).static_order()]
    models = [node for node in nodes if node and node["resource_type"] == "model"]
    models = [model for model in models if model["name"] in sql]
    return {
        "statements": {
            node["unique_id"]: f"create or replace {_relation(node)} "
            f"{node['schema']}.{node['alias']} as {sql[node['name']].replace(APART, '')}"
            for node in models
            if node["schema"] != BUILD
        },
        "parents": parents,
        "schemas": sorted({node["schema"] for node in models}),
    }


def _relation(node: Mapping[str, Any]) -> str:
    """What a model is built as: all but views are tables, whatever is recomputed of them."""
    return "view" if node["config"]["materialized"] == "view" else "table"
