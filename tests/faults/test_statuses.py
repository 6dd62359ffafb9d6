"""Exit statuses as dagster_project/cli.py documents them, whatever goes wrong; named by make."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dagster_project.commands import run as run_command
from dagster_project.commands.interrupts import interruptible
from dagster_project.commands.statuses import MEANINGS, WRONG_SETTINGS
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from ingestion.warehouse.warehouse import Warehouse
from tests.conftest import Publish
from tests.faults.attacks import Tampering, bites, held, without
from tests.faults.disks import make_read_only, small_disk
from tests.orchestration.copies import EDGE_CASES, Copy
from tests.orchestration.one_mart import audited
from tests.thorough import thorough

DISK = "a disk that is full, read-only or not ours"
STOPS = "Ctrl-C and SIGTERM, wherever they strike"
MAKE = "make hides the status"
NOBODY = 65_534


@pytest.fixture
def new_copy(tmp_path: Path) -> Copy:
    """A company that has never been run."""
    return Copy.make(tmp_path)


def refused(copy: Copy, *words: str, tampered: Tampering | None = None) -> None:
    """A run says what is wrong with the disk, and what to do, and ends with status 2."""
    done = copy.run(tampered=tampered)
    assert done.returncode == 2, done.stdout + done.stderr
    told = done.stderr.splitlines()[-1]
    assert told.startswith("error: ")
    assert all(word in told for word in words), done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def as_nobody() -> None:
    """Go on as a user who may not write to anything of ours."""
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@held(DISK)
def test_a_data_folder_that_is_read_only(new_copy: Copy) -> None:
    with small_disk(new_copy.root / "data", "1m") as disk:
        make_read_only(disk)
        refused(new_copy, str(new_copy.data), "Read-only file system", "SALESOPS_DATA")


@held(DISK)
def test_a_data_folder_that_has_become_read_only(new_copy: Copy) -> None:
    with small_disk(new_copy.root / "data", "1m") as disk:
        new_copy.data.mkdir()
        (new_copy.data / "run.lock").touch()
        make_read_only(disk)
        refused(new_copy, str(new_copy.data), "Read-only file system", "SALESOPS_DATA")


@held(DISK)
def test_a_disk_that_is_full_when_the_run_begins(new_copy: Copy) -> None:
    with small_disk(new_copy.root / "data", "1m") as disk:
        (disk / "full").write_bytes(b"x" * (1 << 20))
        refused(new_copy, "No space left", "make room")


@held(DISK)
def test_a_data_folder_of_another_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        copy = Copy.make(Path(root))
        (copy.root / "data").mkdir(mode=0o700)
        refused(copy, str(copy.root / "data"), "Permission denied", tampered=as_nobody)


@held(DISK)
def test_a_data_folder_that_is_a_file(new_copy: Copy) -> None:
    (new_copy.root / "data").touch()
    refused(new_copy, str(new_copy.root / "data"))


@held(DISK)
def test_a_name_that_no_folder_can_have(new_copy: Copy) -> None:
    new_copy.settings(name="x" * 300)
    refused(new_copy, "File name too long")


@thorough
@held(DISK)
@pytest.mark.parametrize("megabytes", [4, 16, 40, 56, 72])
def test_a_disk_that_comes_to_be_full_in_any_phase(
    published: Publish, tmp_path: Path, megabytes: int
) -> None:
    copy = Copy.of(published("edge_cases"), tmp_path)
    shutil.rmtree(copy.root / "data")
    with small_disk(copy.root / "data", f"{megabytes}m"):
        done = copy.run()
        assert done.returncode in (0, WRONG_SETTINGS), done.stdout + done.stderr
        assert done.returncode == 0 or "error: " in done.stderr
        assert "Traceback" not in done.stdout + done.stderr


@bites(DISK)
def test_an_error_of_the_disk_is_an_unexpected_one_where_nobody_looks(new_copy: Copy) -> None:
    (new_copy.root / "data").touch()
    done = new_copy.run(tampered=without("dagster_project.cli:storage_error"))
    assert done.returncode == 1
    assert "NotADirectoryError" in done.stderr or "FileExistsError" in done.stderr


def in_a_long_query(_: object) -> None:
    """A run whose time passes in DuckDB."""
    print("publish …", file=sys.stderr, flush=True)
    # Other threads of DuckDB's would go on after the interruption, and hold up who comes next.
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("select sum(a.range * b.range) from range(10000000) a, range(1000000) b")


def in_code_of_ours(_: object) -> None:
    """A run whose time passes in Python."""
    print("publish …", file=sys.stderr, flush=True)
    time.sleep(60)


def swallowing(_: object) -> None:
    """A run in which a library makes something else of an interruption."""
    try:
        in_code_of_ours(None)
    except KeyboardInterrupt:
        raise RuntimeError("Query interrupted") from None


@held(STOPS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("passes", [in_a_long_query, in_code_of_ours, swallowing])
def test_a_run_that_is_stopped(
    new_copy: Copy, passes: Callable[[object], None], number: int
) -> None:
    done = stopped(
        new_copy, "publish …", number, without("dagster_project.execution:execute", passes)
    )
    assert done.stderr.splitlines()[-1] == "stopped; what is published has not changed"


def stopped(
    copy: Copy, progress: str, number: int, tampered: Tampering | None = None
) -> subprocess.CompletedProcess[str]:
    """Stop a run that has come so far; its status is that of the signal."""
    with copy.started("--force", tampered=tampered) as run:
        run.wait_for(progress)
        run.signal(number)
        done = run.end()
    assert done.returncode == 128 + number, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


@thorough
@held(STOPS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("progress", ["read and check …", "build …", "audit marts …", "publish …"])
def test_a_run_that_is_stopped_in_any_phase(
    published: Publish, tmp_path: Path, progress: str, number: int
) -> None:
    copy = Copy.of(published("edge_cases"), tmp_path)
    kpis = copy.kpis()
    stopped(copy, progress, number)
    assert copy.kpis() == kpis
    assert copy.run("--force").returncode == 0
    assert copy.kpis() == kpis


@bites(STOPS)
def test_duckdb_makes_another_error_of_an_interruption() -> None:
    with interruptible() as stopped_by:
        assert stopped_by() is None
        subprocess.Popen(["sh", "-c", f"sleep 1; kill -TERM {os.getpid()}"])
        with pytest.raises(RuntimeError, match="interrupted"):
            in_a_long_query(None)
        assert stopped_by() == signal.SIGTERM


@held(STOPS)
def test_an_interruption_that_python_swallowed_comes_with_the_next_phase(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Object:
        """Something to which a weak reference may be."""

    swallowed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: swallowed.append(told.exc_type))
    run = audited(load_company(EDGE_CASES / "company.yml"), Warehouse("duckdb", "none"), "a run")
    with interruptible() as run.stopped_by:
        gone = Object()
        _observer = weakref.ref(gone, lambda _: signal.raise_signal(signal.SIGINT))
        del gone
        assert swallowed == [KeyboardInterrupt]
        with pytest.raises(KeyboardInterrupt), run.phase("publish"):
            pytest.fail("the run went on")


@held(STOPS)
def test_what_fails_after_the_publication_changes_no_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise ValueError("closing tag '[/bold]'")

    run_command._show(fail)
    assert "the summary cannot be shown" in capsys.readouterr().err


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose python ends every command with the status that is asked for in STATUS."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        '#!/bin/sh\ncase "$*" in *dagster_project.cli*) exit "$STATUS";; esac\n'
        f'PYTHONPATH={PROJECT} exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    shutil.copy(PROJECT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml", ".venv/.installed", ".venv/bin/salesops"):
        (tmp_path / name).touch()
    return tmp_path


def make(checkout: Path, target: str, status: int) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"STATUS": str(status)}
    return subprocess.run(
        ["make", target],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


CLOSED = "a command whose output is closed"


def status_with(closed: str, company: Path) -> int:
    """The exit status of a check with some of its streams closed."""
    command = f"{sys.executable} -m dagster_project.cli check --company {company} {closed}"
    return subprocess.run(command, shell=True, cwd=PROJECT, check=False).returncode


@held(CLOSED)
@pytest.mark.parametrize(
    "closed",
    ["<&- >&- 2>&-", *(pytest.param(one, marks=thorough) for one in (">&-", "2>&-"))],
)
def test_it_does_what_it_is_told(closed: str) -> None:
    assert status_with(closed, EDGE_CASES / "company.yml") == 0


@bites(CLOSED)
def test_python_has_no_stream_then() -> None:
    code = "import sys; sys.exit(0 if sys.stdout is None else 1)"
    done = subprocess.run(f"{sys.executable} -c '{code}' >&-", shell=True, check=False)
    assert done.returncode == 0


@held(MAKE)
@pytest.mark.parametrize("target", ["run", "check"])
def test_make_names_the_status_in_words(checkout: Path, target: str) -> None:
    for status, meaning in MEANINGS.items():
        done = make(checkout, target, status)
        assert done.returncode == (2 if status else 0)
        assert (f"exit status {status}: {meaning}\n" in done.stderr) == bool(status)


@bites(MAKE)
def test_make_has_a_status_of_its_own(checkout: Path) -> None:
    path = checkout / "Makefile"
    path.write_text(path.read_text(encoding="utf-8").replace("$(or_say)", ""), encoding="utf-8")
    told = {make(checkout, "run", status).returncode for status in MEANINGS if status}
    assert told == {2}
