"""The job that makes everything, its schedule, and the run that its steps share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from dagster_project.instance import end_dead_runs
from dagster_project.pipeline_run import PipelineRun, open_run
from dagster_project.retention import keep_last_runs
from dagster_project.simulation import Simulation
from ingestion.company import Company

JOB = "daily"
EVERY_MORNING = "0 5 * * *"
ON_OUR_CONSOLE = {"loggers": {"console": {"config": {}}}}
"""Dagster prints on a console of its own where a run's configuration names none."""


def daily_job() -> Any:
    """The whole pipeline: load, build, audit, publish."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        config=ON_OUR_CONSOLE,
        description="Load the sources, build and audit the marts, publish them.",
    )


def daily_schedule(company: Company) -> dg.ScheduleDefinition:
    """Every morning, in the company's time zone."""
    return dg.ScheduleDefinition(
        name="every_morning",
        job_name=JOB,
        cron_schedule=EVERY_MORNING,
        execution_timezone=company.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def run_resource(company: Company) -> dg.ResourceDefinition:
    """What the steps of a run share; it holds the company's lock while the run lasts."""

    @dg.resource(
        config_schema={
            "as_of": dg.Field(
                str,
                is_required=False,
                description="Business moment, such as 2024-03-31: later events do not exist.",
            ),
            "known_at": dg.Field(
                str,
                is_required=False,
                description="Knowledge moment, such as 2024-04-15: later loads do not exist.",
            ),
            "force": dg.Field(
                bool,
                default_value=False,
                description="Accept an export that shrank below 80% of the last one.",
            ),
            "fresh": dg.Field(
                bool,
                default_value=False,
                description="Start the company anew; its old warehouse is kept aside.",
            ),
            "days": dg.Field(
                int,
                default_value=0,
                description="Days by which a simulated company goes on before it is loaded.",
            ),
        }
    )
    def run(context: dg.InitResourceContext) -> Iterator[PipelineRun]:
        assert context.instance
        assert context.run_id
        config = context.resource_config
        opened_run = open_run(
            company,
            context.run_id,
            as_of=config.get("as_of"),
            known_at=config.get("known_at"),
            force=config["force"],
            fresh=config["fresh"],
            simulation=Simulation(config["days"]),
        )
        with opened_run as opened:
            end_dead_runs(context.instance, context.run_id)
            yield opened
            keep_last_runs(context.instance, opened.paths.dagster, company.retention.runs)

    return run
