"""Simulated companies of several sizes: a first build, one day more, a quarter's end.

A company is founded so late that the second day more is the last one of a quarter.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.bench.measure import Measure, measure
from dagster_project.bench.one_run import PHASES
from ingestion.paths import PROJECT, data_root

SEED = 7
DAYS_UNTIL_LAST_BUT_ONE = 88
"""From the day on which companies are founded to the last but one of a quarter."""
LARGEST_OVER_HTTP = 10
"""Larger companies come as Parquet exports of every entity."""
FOUND = """
import sys
from pathlib import Path
from dagster_project.run.simulation import Simulation, found
from ingestion.company.reading import load_company
seed, scale, days = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
found(load_company(Path(sys.argv[1])), Simulation(days, scale, seed))
"""
EXPORT = """
import sys
from pathlib import Path
from dagster_project.run.simulation import Simulation, export
seed, scale, days = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
export(Path(sys.argv[1]), Simulation(days, scale, seed))
"""
ALTERNATIVES = """
import sys
from pathlib import Path
from dagster_project.bench.alternatives import compare
compare(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
"""
REST, ALL = "rest", "all"


@dataclass(frozen=True)
class Run:
    """A run by phases, the rest and all: seconds, CPU seconds; rows by phase; bytes at its peak."""

    seconds: Mapping[str, float]
    cpu_seconds: Mapping[str, float]
    rows: Mapping[str, int]
    peak_memory: int


def compare(scales: Sequence[float]) -> None:
    """Print a table for each scale, smallest first, each beside the one before."""
    before = None
    for scale in sorted(scales):
        folder = data_root() / "bench" / f"{scale:g}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        is_over_http = scale <= LARGEST_OVER_HTTP
        company = PROJECT / "company.yml" if is_over_http else folder / "company.yml"
        run = _run_over_http if is_over_http else _run_from_exports
        first, *days = (run(folder, scale, company, number) for number in range(3))
        _print(scale, (first, *days), before)
        builds = (f"{one.cpu_seconds['build']}" for one in (first, days[0]))
        told = _python("what others would do", folder, "-c", ALTERNATIVES, company, *builds)
        print(told.output)
        before = first


def _run_over_http(folder: Path, scale: float, company: Path, number: int) -> Run:
    if not number:
        days = DAYS_UNTIL_LAST_BUT_ONE
        _python(f"founding scale {scale:g}", folder, "-c", FOUND, company, SEED, scale, days)
    return _run(folder, scale, company, *(("--days", 1) if number else ()))


def _run_from_exports(folder: Path, scale: float, company: Path, number: int) -> Run:
    days = 1 if number else DAYS_UNTIL_LAST_BUT_ONE
    _python(f"exporting scale {scale:g}", folder, "-c", EXPORT, folder, SEED, scale, days)
    return _run(folder, scale, company)


def _run(folder: Path, scale: float, company: Path, *options: object) -> Run:
    module = "dagster_project.bench.one_run"
    arguments = ("-m", module, company, time.time(), *options)
    measured = _python(f"running scale {scale:g}", folder, *arguments)
    told = json.loads(measured.output.splitlines()[-1])
    return Run(
        _with_rest(told["seconds"], measured.seconds),
        _with_rest(told["cpu_seconds"], measured.cpu_seconds),
        told["rows"],
        measured.peak_memory,
    )


def _with_rest(phases: Mapping[str, float], total: float) -> Mapping[str, float]:
    return {**phases, REST: total - sum(phases.values()), ALL: total}


def _python(name: str, folder: Path, *arguments: object) -> Measure:
    """A Python process of its own, measured; its data is in `folder`."""
    command = [sys.executable, *map(str, arguments)]
    return measure(name, command, {"SALESOPS_DATA": str(folder / "data")})


def _print(scale: float, runs: Sequence[Run], before: Run | None) -> None:
    """A line per phase: each run by the clock and in CPU seconds, later ones as share of the first.

    The first one's CPU seconds and rows also as multiples of those of the company before.
    """
    first = runs[0]
    how = "over HTTP" if scale <= LARGEST_OVER_HTTP else "from Parquet exports"
    peaks = ", ".join(f"{run.peak_memory / 2**30:.1f}" for run in runs)
    print(f"SCALE={scale:g}, {how}; peak memory {peaks} GiB")
    print(f"{'':<16}{'first build':^50}{'one day more':^22}{'end of a quarter':^22}")
    headings = ("rows", "seconds", "CPU", "growth", "rows grew")
    again = ("seconds", "CPU", "share") * 2
    print(
        f"{'':<16}"
        + "".join(f"{it:>10}" for it in headings)
        + "".join(f"{it:>{8 if it == 'seconds' else 7}}" for it in again)
    )
    for name in (*PHASES, REST, ALL):
        cells = [
            f"{first.rows[name]:,}" if name in first.rows else "–",
            f"{first.seconds[name]:,.1f}",
            f"{first.cpu_seconds[name]:,.1f}",
            _times(first.cpu_seconds[name], before.cpu_seconds[name]) if before else "–",
            _times(first.rows[name], before.rows[name]) if before and name in first.rows else "–",
        ]
        line = f"{name:<16}" + "".join(f"{cell:>10}" for cell in cells)
        for run in runs[1:]:
            share = _share(run.cpu_seconds[name], first.cpu_seconds[name])
            line += f"{run.seconds[name]:>8,.1f}{run.cpu_seconds[name]:>7,.1f}{share:>7}"
        print(line)
    print()


def _times(now: float, then: float) -> str:
    return f"× {now / then:,.1f}" if then else "–"


def _share(now: float, then: float) -> str:
    return f"{now / then:.0%}" if then else "–"
