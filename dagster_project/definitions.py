"""The Dagster code location: one company's assets, checks, job and schedule."""

from __future__ import annotations

import logging

import dagster as dg

from dagster_project.defs.audit import mart_checks, raw_checks
from dagster_project.defs.automation import daily_job, daily_schedule, failure_sensor, run_resource
from dagster_project.defs.ingestion import file_assets, raw_assets
from dagster_project.defs.publication import publication_assets
from dagster_project.defs.restatements import restatement_assets
from dagster_project.defs.transformation import model_assets
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.logs import VisibleRecord
from dagster_project.run.opening import company_file
from ingestion.company.reading import load_company
from ingestion.company.settings import Company


def company_definitions(company: Company) -> dg.Definitions:
    """Everything that Dagster knows about a company."""
    manifest = Dbt.of(company).manifest()
    return dg.Definitions(
        assets=[
            *file_assets(company),
            *raw_assets(company),
            restatement_assets(company, manifest),
            model_assets(company, manifest),
            mart_checks(company, manifest),
            publication_assets(manifest),
        ],
        asset_checks=[raw_checks(company)],
        jobs=[daily_job()],
        schedules=[daily_schedule(company)],
        sensors=[failure_sensor(company)],
        resources={"run": run_resource(company)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """The code location that Dagster's tools load, in processes of their own."""
    logging.setLogRecordFactory(VisibleRecord)
    return company_definitions(load_company(company_file()))
