"""The unit tests of some models, on a company that has been run: `COMPANY MODEL …`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from dbt.artifacts.resources.types import NodeType
from dbt.artifacts.schemas.results import TestStatus
from dbt.cli.main import dbtRunner

from dagster_project.run.dbt_runner import PROJECT_FOLDER, Dbt
from ingestion.company.reading import load_company


def main(company: str, *models: str) -> None:
    """Raise AssertionError unless each model has some and all of them pass."""
    dbt = Dbt.of(load_company(Path(company)))
    os.environ.update(dbt.connection)
    with tempfile.TemporaryDirectory() as target:
        done = dbtRunner(dbt.parsed()).invoke(
            [
                *("--quiet", "test", "--select"),
                *(f"{model},test_type:unit" for model in models),
                *("--vars", json.dumps(dbt.variables)),
                *("--project-dir", str(PROJECT_FOLDER), "--profiles-dir", str(PROJECT_FOLDER)),
                *("--target-path", target, "--log-path", target),
            ]
        )
    found = getattr(done.result, "results", [])
    results = [one for one in found if one.node.resource_type == NodeType.Unit]
    tested = {one.node.tested_node_unique_id.rpartition(".")[2] for one in results}
    assert tested == {*models}, done.exception
    assert [one.message for one in results if one.status != TestStatus.Pass] == []


if __name__ == "__main__":
    main(*sys.argv[1:])
