"""`make ui`: the webserver and the daemon, really started, asked over GraphQL, and stopped."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from dagster_project.publication import open_published
from tests.conftest import Publish
from tests.orchestration.copies import PROJECT, Copy
from tests.orchestration.uis import Ui, opened

RUN = "select run_id from marts.publication"


@pytest.fixture(scope="module")
def company(published: Publish, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A company that the command line has run once."""
    return Copy.of(published("edge_cases"), tmp_path_factory.mktemp("ui"))


@pytest.fixture(scope="module")
def ui(company: Copy) -> Iterator[Ui]:
    """Its UI, started under nohup."""
    with opened(company, nohup=True) as ui:
        ui.location()
        yield ui


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


def test_runs_of_the_command_line_are_listed_and_tell_what_they_have_published(
    company: Copy, ui: Ui
) -> None:
    path = company.data / "published" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    [run] = ui.runs()
    assert (run["runId"], run["status"]) == (manifest["run_id"], "SUCCESS")
    assert run["endTime"] > run["startTime"]
    assert run["repositoryOrigin"] == ui.repository()

    published = ui.told("assetMaterializations", "published", "marts")
    with open_published(company.marts) as connection:
        [(revenue,)] = connection.execute(
            """select revenue_won from marts.mart_headlines where dimension = 'company'
            and period_grain = 'month' and periods_ago = 1"""
        ).fetchall()
    assert published["revenue_won"] == pytest.approx(revenue)
    tables = [text for name, text in published.items() if name.startswith("headlines_")]
    assert "|revenue won, " in tables[0]
    assert "|days sales outstanding|" in tables[-1]
    assert "|to put right|" in published["to_fix"]
    assert published["dagster/row_count"] == sum(manifest["row_counts"].values())
    values = ui.told("assetMaterializations", "marts", "kpi_values")
    assert values["dagster/row_count"] == manifest["row_counts"]["kpi_values"]
    seen = ui.told("assetObservations", "crm", "opportunities")
    size = company.export("opportunities.csv").stat().st_size
    assert (seen["files"], seen["bytes"]) == (1, size)
    assert ui.told("assetObservations", "company", "company_yml")["files"] == 1


def test_what_is_published_is_materialized_alone_and_sigterm_stops_it_under_nohup(
    company: Copy, ui: Ui
) -> None:
    published = company.published()
    names = ("marts", "people", "parquet", "manifest", "dashboard")
    run = ui.materialize(*(("published", name) for name in names))
    assert run.end() == "SUCCESS", ui.output()
    with urllib.request.urlopen(f"http://127.0.0.1:{ui.pages}/data_docs/index.html") as page:
        assert page.status == 200
    began = time.monotonic()
    ui.stop()
    assert time.monotonic() - began < 30
    assert ui.process.returncode == 0, ui.output()
    assert company.published() != published


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
