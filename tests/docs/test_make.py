"""What `make` does to an installation, its own and another's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from ingestion.paths import PROJECT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose .venv is a link to another's, which is older than the lock."""
    other = tmp_path / "other" / ".venv" / "bin"
    other.mkdir(parents=True)
    python = other / "python"
    python.write_text('#!/bin/sh\necho ran "$@"\n')
    python.chmod(0o755)
    (other.parent / ".installed").touch()
    os.utime(other.parent / ".installed", (0, 0))
    root = tmp_path / "checkout"
    root.mkdir()
    shutil.copy(PROJECT / "Makefile", root)
    (root / "requirements.lock").touch()
    (root / ".venv").symlink_to(other.parent)
    return root


def make(root: Path, target: str) -> CompletedProcess[str]:
    command = ["make", "--no-print-directory", target]
    return run(command, cwd=root, capture_output=True, text=True, check=False)


def test_a_linked_installation_is_used_as_it_is(checkout: Path) -> None:
    done = make(checkout, "run")
    assert done.returncode == 0, done.stderr
    assert "ran -m dagster_project.cli run" in done.stdout
    assert ".venv is a link and stays as it is" in done.stderr
    other = (checkout / ".venv").resolve()
    assert sorted(path.name for path in other.iterdir()) == [".installed", "bin"]


def test_cleaning_removes_the_link_and_leaves_what_it_leads_to(checkout: Path) -> None:
    other = (checkout / ".venv").resolve()
    assert make(checkout, "clean").returncode == 0
    assert not (checkout / ".venv").is_symlink()
    assert (other / "bin" / "python").exists()


def test_a_link_that_leads_nowhere_is_named(checkout: Path) -> None:
    shutil.rmtree((checkout / ".venv").resolve())
    done = make(checkout, "run")
    assert done.returncode == 2
    assert "leads to no installation: remove it" in done.stderr


def test_the_command_is_installed_with_the_project_and_no_sooner(tmp_path: Path) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    python = programs / "python"
    python.write_text('#!/bin/sh\necho ran "$@"\n')
    python.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / ".venv" / ".installed").touch()
    first, second = make(tmp_path, "run").stdout, make(tmp_path, "run").stdout
    assert "--no-deps --no-build-isolation --editable .\nran -m dagster_project.cli run" in first
    assert second == "ran -m dagster_project.cli run\n"
    (tmp_path / "pyproject.toml").touch()
    assert "--editable" in make(tmp_path, "run").stdout


def test_referees_are_installed_by_their_own_lock_and_once(tmp_path: Path) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    python = programs / "python"
    python.write_text('#!/bin/sh\necho ran "$@"\n')
    python.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-referees.lock"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / ".venv" / ".installed").touch()
    first, second = make(tmp_path, "referees"), make(tmp_path, "referees")
    assert "--no-deps --require-hashes -r requirements-referees.lock" in first.stdout
    assert "ran" not in second.stdout


def test_a_linked_installation_gets_no_referees(checkout: Path) -> None:
    (checkout / "requirements-referees.lock").touch()
    done = make(checkout, "referees")
    assert done.returncode == 0, done.stderr
    assert "ran" not in done.stdout
    assert not ((checkout / ".venv").resolve() / ".referees").exists()
