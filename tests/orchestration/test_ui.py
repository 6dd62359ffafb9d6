"""`make ui`: the webserver and the daemon, really started, asked over GraphQL, and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pytest

from tests.orchestration.copies import PROJECT, Copy

PATIENCE_SECONDS = 240
T = TypeVar("T")

LOCATION = """{
  repositoriesOrError { ... on RepositoryConnection { nodes {
    name
    location { name }
    jobs { name }
    schedules { name scheduleState { status } }
  } } }
  assetNodes { assetKey { path } isMaterializable }
  instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } }
}"""
LAUNCH = """mutation ($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, runConfigData: {}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@dataclass(frozen=True)
class Ui:
    """A running user interface."""

    port: int
    output: Callable[[], str]

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The answer to a GraphQL query."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def wait(self, answer: Callable[[], T | None], what: str) -> T:
        """The first answer that is not None."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                if (found := answer()) is not None:
                    return found
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.5)
        raise AssertionError(f"no {what} after {PATIENCE_SECONDS} s:\n{self.output()}")


@pytest.fixture
def ui(copy: Copy) -> Iterator[Ui]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = copy.root / "ui.log"
    command = [sys.executable, "-m", "dagster_project.cli", "ui", "--port", str(port)]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--company", str(copy.file)],
            cwd=PROJECT,
            env=copy.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Ctrl-C is ignored by whatever a shell has started in the background.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
    yield Ui(port, lambda: log.read_text(encoding="utf-8"))
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=PATIENCE_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_the_ui_shows_the_assets_and_runs_the_job(ui: Ui, copy: Copy) -> None:
    published = copy.published()

    def loaded() -> dict[str, Any] | None:
        data = ui.ask(LOCATION)
        return data if data["repositoriesOrError"].get("nodes") else None

    data = ui.wait(loaded, "code location")
    [repository] = data["repositoriesOrError"]["nodes"]
    assert "daily" in [job["name"] for job in repository["jobs"]]
    [schedule] = repository["schedules"]
    assert schedule["scheduleState"]["status"] == "RUNNING"
    paths = {tuple(node["assetKey"]["path"]) for node in data["assetNodes"]}
    assert {("raw_files", "opportunities"), ("published", "marts")} <= paths

    selector = {
        "repositoryName": repository["name"],
        "repositoryLocationName": repository["location"]["name"],
        "jobName": "daily",
    }
    launched = ui.ask(LAUNCH, selector=selector)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched

    def finished() -> str | None:
        status = ui.ask(STATUS, id=launched["run"]["runId"])["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

    assert ui.wait(finished, "end of the run") == "SUCCESS", ui.output()
    assert copy.published() != published


def test_a_port_in_use_is_named(new_copy: Copy) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "dagster_project.cli", "ui", "--port", str(port)],
            cwd=PROJECT,
            env=new_copy.environment,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
