"""`make ui`, really started, asked over GraphQL, and stopped."""

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

from tests.orchestration.copies import PROJECT, Copy

PATIENCE_SECONDS = 600
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
LAUNCH = """mutation ($selector: JobOrPipelineSelector!, $config: RunConfigData!) {
  launchRun(executionParams: {selector: $selector, runConfigData: $config}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
TICKS = """query ($repository: RepositorySelector!) {
  sensorsOrError(repositorySelector: $repository) { ... on Sensors { results {
    sensorState { ticks(limit: 1) { timestamp } }
  } } }
}"""
RUNS = """query ($filter: RunsFilter) { runsOrError(filter: $filter) { ... on Runs { results {
  runId status startTime endTime repositoryOrigin { repositoryName repositoryLocationName }
} } } }"""
LATEST = """query ($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(limit: 1) { runId metadataEntries { ...entry } }
  assetObservations(limit: 1) { runId metadataEntries { ...entry } }
} } }
fragment entry on MetadataEntry {
  label
  ... on MarkdownMetadataEntry { mdStr }
  ... on FloatMetadataEntry { floatValue }
  ... on IntMetadataEntry { intValue }
  ... on PathMetadataEntry { path }
  ... on UrlMetadataEntry { url }
}"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@dataclass(frozen=True)
class Ui:
    """A running user interface."""

    port: int
    pages: int
    process: subprocess.Popen[bytes]
    output: Callable[[], str]
    stopped_by: signal.Signals

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

    def location(self) -> dict[str, Any]:
        """What it shows of the code location, once that is loaded."""

        def loaded() -> dict[str, Any] | None:
            data = self.ask(LOCATION)
            return data if data["repositoriesOrError"].get("nodes") else None

        return self.wait(loaded, "code location")

    def repository(self) -> dict[str, str]:
        """What the repository of the company is called."""
        [repository] = self.location()["repositoriesOrError"]["nodes"]
        location = repository["location"]["name"]
        return {"repositoryName": repository["name"], "repositoryLocationName": location}

    def has_looked_for_failures(self) -> bool:
        """Whether its sensor has looked once: it tells of failures from then on."""
        [sensor] = self.ask(TICKS, repository=self.repository())["sensorsOrError"]["results"]
        return bool(sensor["sensorState"]["ticks"])

    def runs(self) -> list[dict[str, Any]]:
        """The runs that it lists of the company's job."""
        repository = self.repository()
        label = f"{repository['repositoryName']}@{repository['repositoryLocationName']}"
        tags = [{"key": ".dagster/repository", "value": label}]
        return self.ask(RUNS, filter={"pipelineName": "daily", "tags": tags})["runsOrError"][
            "results"
        ]

    def told(self, kind: str, *path: str) -> dict[str, Any]:
        """What the last event of a `kind` of an asset says, by label."""
        [event] = self.ask(LATEST, key={"path": path})["assetOrError"][kind]
        return {
            entry["label"]: next((v for k, v in entry.items() if k != "label"), None)
            for entry in event["metadataEntries"]
        }

    def materialize(self, *keys: tuple[str, ...]) -> Launched:
        """Launch what the button "Materialize" of some assets launches."""
        selection = [{"path": key} for key in keys]
        selector = self.repository() | {"jobName": "__ASSET_JOB", "assetSelection": selection}
        launched = self.ask(LAUNCH, selector=selector, config={})["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return Launched(self, launched["run"]["runId"])

    def launch(self, **config: object) -> Launched:
        """Launch the job, as its button does; `config` is that of the run."""
        selector = self.repository() | {"jobName": "daily"}
        resources = {"resources": {"run": {"config": config}}} if config else {}
        launched = self.ask(LAUNCH, selector=selector, config=resources)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return Launched(self, launched["run"]["runId"])

    def stop(self) -> None:
        """Stop it, unless it has stopped, and wait until it has."""
        if self.process.poll() is None:
            self.process.send_signal(self.stopped_by)
            self.process.wait(timeout=PATIENCE_SECONDS)

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


@contextlib.contextmanager
def opened(copy: Copy, *, nohup: bool = False) -> Iterator[Ui]:
    """The user interface of a company; when it is left, it is stopped as Ctrl-C stops it.

    With `nohup` it was started as nohup does in a script's background, and SIGTERM stops it.
    """
    with socket.socket() as free, socket.socket() as free_too:
        ports = []
        for candidate in (free, free_too):
            candidate.bind(("127.0.0.1", 0))
            ports.append(candidate.getsockname()[1])
    port, pages = ports
    log = copy.root / "ui.log"
    command = [sys.executable, "-m", "dagster_project.cli", "ui", "--port", str(port)]
    command += ["--pages", str(pages)]
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--company", str(copy.file)],
            cwd=PROJECT,
            env=copy.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Ctrl-C is ignored by whatever a shell has started in the background.
            preexec_fn=partial(
                signal.signal, signal.SIGINT, signal.SIG_IGN if nohup else signal.SIG_DFL
            ),
        )
    try:
        stopped_by = signal.SIGTERM if nohup else signal.SIGINT
        ui = Ui(port, pages, process, lambda: log.read_text(encoding="utf-8"), stopped_by)
        yield ui
        ui.stop()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass(frozen=True)
class Launched:
    """A run that was launched in the UI."""

    ui: Ui
    run_id: str

    def status(self) -> str:
        return self.ui.ask(STATUS, id=self.run_id)["runOrError"]["status"]

    def end(self) -> str:
        """Its status, once it has ended."""

        def ended() -> str | None:
            status = self.status()
            return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

        return self.ui.wait(ended, "end of the run")
