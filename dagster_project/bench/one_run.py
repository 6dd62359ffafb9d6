"""One run of a company, told as a JSON object: seconds, CPU seconds and rows by phase."""

from __future__ import annotations

import argparse
import json
import logging
import resource
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.execution import execute
from dagster_project.run.opening import open_run
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.simulation import Simulation
from ingestion.company.reading import load_company

IMPORTS, SIMULATION = "imports", "simulation"
PHASES = (IMPORTS, SIMULATION, "read and check", "load", "history", "build", "audit", "publish")
"""What a run consists of, but for Dagster, its events and what else is between the phases."""


def main() -> None:
    """Run the company and print what its phases took."""
    imports = time.process_time()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("company", type=Path)
    parser.add_argument("began", type=float, help="when this process was started")
    parser.add_argument("--days", type=int, default=0)
    options = parser.parse_args()
    seconds, cpu_seconds = {IMPORTS: time.time() - options.began}, {IMPORTS: imports}
    logging.basicConfig(stream=sys.stderr, format="  %(message)s")
    logging.getLogger("salesops").setLevel(logging.INFO)
    company = load_company(options.company)
    started, busy = time.perf_counter(), time.process_time()
    with open_run(company, str(uuid.uuid4()), simulation=Simulation(days=options.days)) as run:
        seconds[SIMULATION] = time.perf_counter() - started
        cpu_seconds[SIMULATION] = time.process_time() - busy
        execute(run)
    # The simulated systems are a process of their own, which has ended.
    systems = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds[SIMULATION] += systems.ru_utime + systems.ru_stime
    taken = {"seconds": seconds | run.seconds, "cpu_seconds": cpu_seconds | run.cpu_seconds}
    print(json.dumps({"rows": rows(run), **{kind: by_phase(it) for kind, it in taken.items()}}))


def by_phase(taken: Mapping[str, float]) -> Mapping[str, float]:
    """What each phase of `PHASES` took: those that begin like it, together."""
    return {
        phase: sum(it for name, it in taken.items() if name.startswith(phase)) for phase in PHASES
    }


def rows(run: PipelineRun) -> Mapping[str, Any]:
    """The rows that went through the phases.

    Loading counts the versions that were appended; what comes after reads every record there is.
    """
    assert run.publication is not None
    tables = [table for load in run.loads for table in load.tables]
    records = sum(table.rows for table in tables)
    return {
        "load": sum(one.rows_new + one.rows_changed + one.rows_deleted for one in tables),
        "build": records,
        "audit": records,
        "publish": sum(run.publication.row_counts.values()),
    }


if __name__ == "__main__":
    main()
