"""Runs of the command line, each in a process of its own that can be watched and killed.

The processes are forked from a server that has imported dagster, dbt, Great Expectations and dlt
once: a test pays for its run, and not for the imports of its run.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from subprocess import CompletedProcess

from ingestion.paths import PROJECT

IMPORTED = (
    # Keeps the bytecode of all that follows.
    "tests.conftest",
    "alembic.command",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "dagster_dbt",
    "dagster_project.commands.console",
    "dagster_project.execution",
    "dagster_project.instance.event_log",
    "dbt.adapters.duckdb.impl",
    "dbt.cli.main",
    "dbt.task.build",
    "dlt.destinations.impl.duckdb.duck",
    "dlt.pipeline.pipeline",
    "dlt.sources",
    "expectations.judge",
    "expectations.runner",
    "great_expectations.expectations",
    "ingestion.loading.appending",
    "ingestion.sources.files.extraction",
    "ingestion.sources.hubspot.extraction",
    "pyarrow.dataset",
)


@dataclass(frozen=True)
class Run:
    """A run under way; its output goes to files in a folder of its own."""

    process: ForkServerProcess
    folder: Path

    @property
    def pid(self) -> int:
        """The run's process."""
        assert self.process.pid is not None
        return self.process.pid

    def output(self, name: str) -> str:
        """What has been written so far to `stdout` or `stderr`."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def wait_for(self, progress: str) -> None:
        """Wait until a line of `stderr` begins with `progress`, or the run has ended."""
        while self.process.is_alive() and f"\n{progress}" not in f"\n{self.output('stderr')}":
            time.sleep(0.005)

    def signal(self, number: int) -> None:
        """Send a signal to the run."""
        os.kill(self.pid, number)

    def end(self) -> CompletedProcess[str]:
        """Wait until the run has ended; its exit status is negative when a signal ended it."""
        self.process.join()
        assert self.process.exitcode is not None
        outputs = (self.output(name) for name in ("stdout", "stderr"))
        return CompletedProcess([], self.process.exitcode, *outputs)


@contextmanager
def started(
    company: Path, data: Path, *options: str, tampered: Callable[[], object] | None = None
) -> Iterator[Run]:
    """A run of a company, as `make run` runs it; everything that it makes is under `data`.

    `tampered` is called in the run's process before the command.
    """
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["run", "--company", str(company), *options]
        environment = os.environ | {"SALESOPS_DATA": str(data)}
        process = _server().Process(
            target=_command, args=(arguments, environment, folder, tampered)
        )
        process.start()
        run = Run(process, Path(folder))
        try:
            yield run
        finally:
            process.kill()
            run.end()


def run(
    company: Path, data: Path, *options: str, tampered: Callable[[], object] | None = None
) -> CompletedProcess[str]:
    """Run a company to the end."""
    with started(company, data, *options, tampered=tampered) as run:
        return run.end()


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def _command(
    arguments: Sequence[str],
    environment: dict[str, str],
    folder: str,
    tampered: Callable[[], object] | None,
) -> None:
    """The whole life of a forked process."""
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        file = os.open(Path(folder) / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, stream.fileno())
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)
    signal.signal(signal.SIGINT, signal.default_int_handler)

    from dagster_project.cli import main

    if tampered:
        tampered()
    sys.exit(main(arguments))
