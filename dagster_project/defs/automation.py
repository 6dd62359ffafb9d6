"""The job that makes everything, its schedule, and the run that its steps share."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.instance.dead_runs import end_dead_runs, unfinished_run
from dagster_project.instance.past_runs import keep_last_runs
from dagster_project.run.opening import open_run
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.simulation import Simulation
from ingestion.company.settings import Company
from ingestion.paths import CompanyPaths
from ingestion.visible import visible

JOB = "daily"
EVERY_MORNING = "0 5 * * *"

log = logging.getLogger("salesops")


def daily_job() -> Any:
    """The whole pipeline: load, build, audit, publish."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="Load the sources, build and audit the marts, publish them.",
    )


def daily_schedule(company: Company) -> dg.ScheduleDefinition:
    """Every morning, in the company's time zone, unless a run waits or is under way."""
    lock = CompanyPaths.of(company).lock

    @dg.schedule(
        job_name=JOB,
        cron_schedule=EVERY_MORNING,
        execution_timezone=company.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def every_morning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if in_the_way := unfinished_run(context.instance, lock):
            return dg.SkipReason(f"run {in_the_way} has not ended: this tick is left out")
        return dg.RunRequest()

    return every_morning


def failure_sensor(company: Company) -> dg.SensorDefinition:
    """Says of each run that failed, or died, that it did: in the log, and in a file of them."""
    logs = CompanyPaths.of(company).logs

    @dg.run_failure_sensor(
        default_status=dg.DefaultSensorStatus.RUNNING, monitor_all_code_locations=True
    )
    def say_failed_runs(context: dg.RunFailureSensorContext) -> None:
        say_failure(logs, context.dagster_run.run_id, context.failure_event.message or "")

    return say_failed_runs


def say_failure(logs: Path, run_id: str, why: str) -> None:
    """A line on the terminal and in `failures.log`."""
    said = f"run {run_id} failed, the last good publication stays: {visible(' '.join(why.split()))}"
    log.error(said)
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "failures.log").open("a", encoding="utf-8") as file:
        file.write(f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ} {said}\n")


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
            "full": dg.Field(
                bool,
                default_value=False,
                description="Build everything anew, not only what has changed.",
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
            full=config["full"],
            simulation=Simulation(config["days"]),
        )
        with opened_run as opened:
            end_dead_runs(context.instance, CompanyPaths.of(company).lock)
            yield opened
            keep_last_runs(context.instance, opened.paths.dagster, company.retention.runs)

    return run
