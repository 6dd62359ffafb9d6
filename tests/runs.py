"""Runs of the command line, each in a process of its own.

The processes are forked from a server that has imported dagster, dbt, Great Expectations and dlt
once: a test pays for its run, and not for the imports of its run.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess

from ingestion.paths import PROJECT

IMPORTED = (
    "dagster_dbt",
    "dagster_project.definitions",
    "dbt.adapters.duckdb.impl",
    "dbt.cli.main",
    "expectations.runner",
    "great_expectations.expectations",
    "ingestion.dlt_load",
    "ingestion.sources.files",
)


def run(company: Path, data: Path, *options: str) -> CompletedProcess[str]:
    """Run a company to the end, as `make run` does; everything that it makes is under `data`."""
    arguments = ["run", "--company", str(company), *options]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / name for name in ("stdout", "stderr")]
        environment = os.environ | {"SALESOPS_DATA": str(data)}
        process = _server().Process(
            target=_command, args=(arguments, environment, *map(str, outputs))
        )
        process.start()
        process.join()
        assert process.exitcode is not None
        return CompletedProcess(
            arguments, process.exitcode, *(path.read_text(encoding="utf-8") for path in outputs)
        )


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def _command(
    arguments: Sequence[str], environment: dict[str, str], stdout: str, stderr: str
) -> None:
    """The whole life of a forked process."""
    for path, stream in ((stdout, sys.stdout), (stderr, sys.stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, stream.fileno())
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)

    from dagster_project.cli import main

    sys.exit(main(arguments))
