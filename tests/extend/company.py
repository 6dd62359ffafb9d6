"""The company with columns, a KPI, a mart and audit rules of its own, run once for all tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ingestion.paths import PROJECT
from tests.kpis.companies import COMPANIES, Published, TestCompany
from tests.runs import run
from tests.store import made_once

EXTENDED = TestCompany(COMPANIES / "extended" / "company.yml", COMPANIES / "extended")
OUTPUT = "stdout"
"""What its run has printed, beside its data."""


def extended() -> Published:
    """What is published of it; making it changes no file of the product."""

    def make(folder: Path) -> None:
        before = _tree()
        done = run(EXTENDED.file, folder)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert _tree() == before, "an upgrade would have something to merge"
        (folder / OUTPUT).write_text(done.stdout, encoding="utf-8")

    folder = made_once("extended", make, EXTENDED.fingerprint())
    return Published(EXTENDED.file, folder / "extended")


def _tree() -> dict[Path, int]:
    """The product's files, and when they were written; what git ignores left out."""
    told = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(told, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    paths = (PROJECT / name for name in listed.splitlines())
    return {path: path.stat().st_mtime_ns for path in paths if path.is_file()}
