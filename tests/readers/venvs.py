"""Environments of readers that are no part of the project, kept for later sessions."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ingestion.disk.kept import kept
from tests.store import STORE

FOREIGN = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
"""What would have a reader find the project's packages."""


def venv(
    kind: str,
    requirements: Iterable[str],
    prepare: Callable[[Path], None] = lambda folder: None,
) -> Path:
    """A folder whose `venv` has these packages, and what `prepare` has put beside it.

    Skips the test where they cannot be had, as without a network.
    """
    wanted = sorted(requirements)

    def make(folder: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "venv", folder / "venv"], capture_output=True, text=True
        )
        install = ("-m", "pip", "install", "--quiet", "--only-binary", "duckdb,polars")
        if not done.returncode:
            done = subprocess.run(
                [python(folder), *install, *wanted], capture_output=True, text=True, env=own()
            )
        if done.returncode:
            last = (done.stderr.strip() or "no reason is given").splitlines()[-1]
            pytest.skip(f"{', '.join(wanted)} cannot be installed here: {last}")
        prepare(folder)

    key = hashlib.sha256(f"{sys.version_info[:2]} {wanted}".encode()).hexdigest()[:16]
    return kept(STORE, f"venv-{kind}", key, make, last=1)


def python(folder: Path) -> Path:
    """The interpreter of such a folder."""
    return folder / "venv" / "bin" / "python"


def own(**settings: str) -> dict[str, str]:
    """The environment of a reader's process: ours, without what leads to our packages."""
    return {key: value for key, value in os.environ.items() if key not in FOREIGN} | settings


def told(folder: Path, script: str, *arguments: object, **settings: str) -> str:
    """What a script prints that runs in the environment; the test fails with what it raises."""
    done = subprocess.run(
        [python(folder), "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=own(**settings),
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
