"""What a run costs whatever the company: one more day of a tiny one, every entity an export."""

from __future__ import annotations

import shutil
import sys

from dagster_project.bench.measure import measure
from dagster_project.bench.scales import EXPORT, SEED
from ingestion.paths import data_root

SCALE = 0.01


def show() -> None:
    """Print the CPU seconds of a tiny company's second run."""
    folder = data_root() / "bench" / "floor"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    data = {"SALESOPS_DATA": str(folder / "data")}
    export = [sys.executable, "-c", EXPORT, str(folder), str(SEED), str(SCALE)]
    run = [sys.executable, "-m", "dagster_project.cli", "run"]
    run += ["--company", str(folder / "company.yml")]
    measure("exporting a tiny company", [*export, "0"], data)
    measure("its first run", run, data)
    measure("one day more", [*export, "1"], data)
    second = measure("its second run", run, data)
    print(
        f"floor, the second run of a tiny company: {second.cpu_seconds:.1f} CPU s, "
        f"{second.seconds:.1f} s by the clock, {second.peak_memory / 2**20:.0f} MiB at its peak\n"
    )
