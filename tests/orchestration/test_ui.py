"""`make ui`: the webserver and the daemon, really started, asked over GraphQL, and stopped."""

from __future__ import annotations

import socket
import subprocess
import sys

from tests.orchestration.copies import PROJECT, Copy
from tests.orchestration.uis import opened


def test_the_ui_shows_the_assets_and_runs_the_job_whatever_its_store_is_like(copy: Copy) -> None:
    published = copy.published()
    (copy.data / "dagster" / "history" / "runs.db").write_bytes(b"no database")
    with opened(copy) as ui:
        data = ui.location()
        [repository] = data["repositoriesOrError"]["nodes"]
        assert "daily" in [job["name"] for job in repository["jobs"]]
        [schedule] = repository["schedules"]
        assert schedule["scheduleState"]["status"] == "RUNNING"
        paths = {tuple(node["assetKey"]["path"]) for node in data["assetNodes"]}
        assert {("raw_files", "opportunities"), ("published", "marts")} <= paths
        assert ui.launch().end() == "SUCCESS", ui.output()
    assert ui.process.returncode == 0, ui.output()
    assert "runs.db is damaged" in ui.output()
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


def test_a_store_that_cannot_be_written_is_named(new_copy: Copy) -> None:
    new_copy.data.mkdir(parents=True)
    (new_copy.data / "dagster").write_text("in the way", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "dagster_project.cli", "ui", "--port", "0"],
        cwd=PROJECT,
        env=new_copy.environment | {"SALESOPS_COMPANY": str(new_copy.file)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert f"{new_copy.data / 'dagster'}: Dagster's store cannot be written" in done.stderr
