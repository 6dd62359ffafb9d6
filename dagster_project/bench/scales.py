"""Simulated companies of several sizes: a first load, one day more, the models of the pipeline."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.bench.measure import measure
from dagster_project.bench.one_run import PHASES
from ingestion.paths import PROJECT, data_root

SEED = 7
LARGEST_OVER_HTTP = 10
"""Larger companies come as Parquet exports of every entity."""
FOUND = """
import sys
from pathlib import Path
from dagster_project.run.simulation import Simulation, found
from ingestion.company.reading import load_company
seed, scale = int(sys.argv[2]), float(sys.argv[3])
found(load_company(Path(sys.argv[1])), Simulation(seed=seed, scale=scale))
"""
EXPORT = """
import sys
from pathlib import Path
from dagster_project.run.simulation import Simulation, export
seed, scale, days = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
export(Path(sys.argv[1]), Simulation(days, scale, seed))
"""

PIPELINE = """
import sys
from pathlib import Path
from dagster_project.bench.models import compare
compare(Path(sys.argv[1]))
"""


@dataclass(frozen=True)
class Phase:
    """What a phase took, and the rows that went through it."""

    seconds: float
    rows: int

    def __add__(self, other: Phase) -> Phase:
        return Phase(self.seconds + other.seconds, max(self.rows, other.rows))


@dataclass(frozen=True)
class Run:
    """A run by phases, and the largest resident memory in bytes."""

    phases: Mapping[str, Phase]
    peak_memory: int


def compare(scales: Sequence[float]) -> None:
    """Print a table for each scale, smallest first, each beside the one before."""
    before = None
    for scale in sorted(scales):
        folder = data_root() / "bench" / f"{scale:g}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if scale <= LARGEST_OVER_HTTP:
            company = PROJECT / "company.yml"
            first, day = _over_http(folder, scale, company)
        else:
            company = folder / "company.yml"
            first, day = _from_exports(folder, scale, company)
        _print(scale, first, day, before)
        print(_python("the pipeline's models", folder, "-c", PIPELINE, company)[0])
        before = first


def _over_http(folder: Path, scale: float, company: Path) -> tuple[Run, Run]:
    _python(f"founding scale {scale:g}", folder, "-c", FOUND, company, SEED, scale)
    return _run(folder, scale, company), _run(folder, scale, company, "--days", 1)


def _from_exports(folder: Path, scale: float, company: Path) -> tuple[Run, Run]:
    runs = []
    for days in (0, 1):
        _python(f"exporting scale {scale:g}", folder, "-c", EXPORT, folder, SEED, scale, days)
        runs.append(_run(folder, scale, company))
    first, day = runs
    return first, day


def _run(folder: Path, scale: float, company: Path, *options: object) -> Run:
    module = "dagster_project.bench.one_run"
    output, peak_memory = _python(
        f"running scale {scale:g}", folder, "-m", module, company, *options
    )
    told = json.loads(output.splitlines()[-1])
    return Run({name: Phase(**told[name]) for name in PHASES}, peak_memory)


def _python(name: str, folder: Path, *arguments: object) -> tuple[str, int]:
    """What a Python process of its own prints, and its peak memory; its data is in `folder`."""
    command = [sys.executable, *map(str, arguments)]
    done = measure(name, command, {"SALESOPS_DATA": str(folder / "data")})
    return done.output, done.peak_memory


def _print(scale: float, first: Run, day: Run, before: Run | None) -> None:
    how = "over HTTP" if scale <= LARGEST_OVER_HTTP else "from Parquet exports"
    print(f"SCALE={scale:g}, {how}; peak memory {first.peak_memory / 2**30:.1f} GiB")
    headings = ("seconds", "rows", "rows/s", "growth", "rows grew", "one day more", "share")
    print(f"  {'':<8}" + "".join(f"{heading:>14}" for heading in headings))
    for name in (*PHASES, "all"):
        mine, more = _phase(first, name), _phase(day, name)
        growth = ("–", "–")
        if before:
            then = _phase(before, name)
            growth = (_times(mine.seconds, then.seconds), _times(mine.rows, then.rows))
        cells = (
            f"{mine.seconds:,.1f}",
            f"{mine.rows:,}",
            f"{mine.rows / mine.seconds:,.0f}" if mine.seconds else "–",
            *growth,
            f"{more.seconds:,.1f}",
            f"{more.seconds / mine.seconds:.0%}" if mine.seconds else "–",
        )
        print(f"  {name:<8}" + "".join(f"{cell:>14}" for cell in cells))
    print()


def _phase(run: Run, name: str) -> Phase:
    return run.phases[name] if name in run.phases else sum(run.phases.values(), Phase(0, 0))


def _times(now: float, then: float) -> str:
    return f"× {now / then:,.1f}" if then else "–"
