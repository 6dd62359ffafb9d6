"""Companies published without Dagster's and dbt's own time: what is read of them, and not how."""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest.mock import patch

import duckdb
import yaml

from dagster_project.defs.audit import audit
from dagster_project.publishing.ledger import keep_ledger
from dagster_project.publishing.writing import publish
from dagster_project.run.dbt_project import PROJECT_FOLDER
from dagster_project.run.dbt_runner import Dbt, run_values
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.company.reading import load_company
from ingestion.disk.private import private
from ingestion.paths import CompanyPaths
from ingestion.warehouse.duckdb_sql import literal
from ingestion.warehouse.marts_file import SCHEMA, show_marts
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import CompiledModels
from tests.kpis.companies import Published


def publish_from_sql(file: Path, data: Path) -> Published:
    """Load, audit and publish a company of files in a quarter of a run's time.

    Dagster and dbt's tests know nothing of it, and metrics have no definition hashes.
    """
    with patch.dict(os.environ, {"SALESOPS_DATA": str(data)}):
        company = load_company(file)
        paths, warehouse = CompanyPaths.of(company), Warehouse.of(company)
        run = PipelineRun(
            company=company,
            run_id="from-sql",
            paths=paths,
            warehouse=warehouse,
            asked_as_of=None,
            asked_known_at=None,
            is_time_travel=False,
            force=False,
        )
        manifest = Dbt.of(company).manifest()
        with private(paths.root):
            for source_type in company.source_types:
                run.load(source_type)
            keep_ledger(run, manifest)
            audit(run, "raw")
            _build(run)
            audit(run, "marts")
            publish(run, manifest)
    return Published(file, paths.root)


def _build(run: PipelineRun) -> None:
    """Build all models, the marts in their own file, as a run does."""
    models = CompiledModels.of(run.company)
    values = run_values(run.as_of, run.known_at, run.run_id, run.company.own_as_of)
    with duckdb.connect(run.warehouse.marts) as marts:
        marts.execute(f"create schema {SCHEMA}")
        for name, seed in _seeds().items():
            marts.execute(f"create table {SCHEMA}.{name} as {seed}")
    with duckdb.connect(run.warehouse.location) as connection:
        connection.execute(f"set threads = {run.warehouse.threads()}")
        show_marts(connection, Path(run.warehouse.location))
        models.run(connection, models.statements, values)
    run.is_built = True


def _seeds() -> dict[str, str]:
    """The queries that read dbt's seeds, by name."""
    folder = PROJECT_FOLDER / "seeds"
    told = [
        seed
        for file in sorted(folder.glob("*.yml"))
        for seed in yaml.safe_load(file.read_text(encoding="utf-8"))["seeds"]
    ]
    return {
        seed["name"]: f"select * from read_csv({literal(folder / seed['name'])} || '.csv', "
        f"header = true, columns = {json.dumps(seed['config']['column_types'])})"
        for seed in told
    }
