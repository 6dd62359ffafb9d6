"""The execution of a run, in this process: the one thing that commands have Dagster do."""

from __future__ import annotations

from functools import partial

from dagster import DagsterExecutionInterruptedError, DagsterInstance

from dagster_project.definitions import company_definitions
from dagster_project.defs.automation import JOB
from dagster_project.instance.past_runs import keep_last_runs
from dagster_project.instance.recording import recorded
from dagster_project.instance.repository import TAGS, origin
from dagster_project.run.pipeline_run import PipelineRun


def execute(run: PipelineRun) -> None:
    """Execute the job that the UI runs, in this process, on the company's Dagster instance.

    Ctrl-C raises KeyboardInterrupt wherever it strikes: Dagster has an interruption of its own.
    """
    job = company_definitions(run.company).resolve_job_def(JOB)

    def execute_once(instance: DagsterInstance) -> None:
        if run.publication is not None:
            return
        # No argument of `execute_in_process` gets it there.
        create_run = partial(instance.create_run_for_job, remote_job_origin=origin(JOB))
        vars(instance)["create_run_for_job"] = create_run
        try:
            job.execute_in_process(
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                resources={"run": run},
                tags=TAGS,
                instance=instance,
                run_id=run.run_id,
            )
        finally:
            keep_last_runs(instance, run.paths.dagster, run.company.retention.runs)

    try:
        recorded(run.paths, execute_once)
    except DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None
