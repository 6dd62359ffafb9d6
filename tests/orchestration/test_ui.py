"""`make ui`: the webserver and the daemon, really started, asked over GraphQL, and stopped.

What it shows of a run of the command line is in tests/eyes/test_dagster.py, of one that is up.
"""

from __future__ import annotations

import socket
import subprocess
import sys

from dagster_project.publication import open_published
from tests.orchestration.copies import PROJECT, Copy
from tests.orchestration.uis import opened

RUN = "select run_id from marts.publication"


def test_the_ui_shows_the_assets_and_runs_the_job_whatever_its_store_is_like(copy: Copy) -> None:
    published, kpis, loads = copy.published(), copy.kpis(), copy.loads()
    (copy.data / "dagster" / "history" / "runs.db").write_bytes(b"no database")
    with opened(copy) as ui, open_published(copy.marts) as reader:
        before = reader.execute(RUN).fetchone()
        data = ui.location()
        [repository] = data["repositoriesOrError"]["nodes"]
        assert "daily" in [job["name"] for job in repository["jobs"]]
        [schedule] = repository["schedules"]
        assert schedule["scheduleState"]["status"] == "RUNNING"
        paths = {tuple(node["assetKey"]["path"]) for node in data["assetNodes"]}
        assert {("raw_files", "opportunities"), ("published", "marts")} <= paths
        assert ui.launch().end() == "SUCCESS", ui.output()
        assert reader.execute(RUN).fetchone() == before, "a reader reads on"
        assert reader.execute("select count(*) from marts.kpi_values").fetchone() != (0,)
    assert ui.process.returncode == 0, ui.output()
    assert "runs.db is damaged" in ui.output()
    assert copy.published() != published
    with open_published(copy.marts) as reader:
        assert reader.execute(RUN).fetchone() != before
    # Nothing was new: the run has changed no number.
    assert (copy.kpis(), copy.loads()) == (kpis, loads)


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
