"""One run of a company, told as a JSON object: seconds and rows by phase."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.execution import execute
from dagster_project.run.opening import open_run
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.simulation import Simulation
from ingestion.company.reading import load_company

PHASES = ("extract", "load", "build", "audit", "publish")


def main() -> None:
    """Run the company and print what its phases took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("company", type=Path)
    parser.add_argument("--days", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, format="  %(message)s")
    logging.getLogger("salesops").setLevel(logging.INFO)
    company = load_company(options.company)
    with open_run(company, str(uuid.uuid4()), simulation=Simulation(days=options.days)) as run:
        execute(run)
    print(json.dumps(phases(run)))


def phases(run: PipelineRun) -> Mapping[str, Mapping[str, Any]]:
    """Seconds of each phase, and the rows that went through it.

    Loading counts the versions that were appended; what comes after reads every record there is.
    """
    assert run.publication is not None
    tables = [table for load in run.loads for table in load.tables]
    appended = sum(one.rows_new + one.rows_changed + one.rows_deleted for one in tables)
    records = sum(table.rows for table in tables)
    published = sum(run.publication.row_counts.values())
    seconds = {
        "extract": sum(load.seconds_extracting for load in run.loads),
        "load": sum(load.seconds_loading for load in run.loads),
        "build": run.seconds["build"],
        "audit": run.seconds["audit raw"] + run.seconds["audit marts"],
        "publish": run.seconds["publish"],
    }
    rows = dict(zip(PHASES, (appended, appended, records, records, published), strict=True))
    return {name: {"seconds": seconds[name], "rows": rows[name]} for name in PHASES}


if __name__ == "__main__":
    main()
