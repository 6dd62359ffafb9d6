"""`make bench`: a warm run beside the same work done by the bare tools, each in its own process."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.dbt_runner import Dbt
from dagster_project.pipeline_run import company_file, now, open_run
from ingestion.company import Company, load_company
from ingestion.paths import PROJECT

LIMIT = 1.3
LOAD = """
import sys
from pathlib import Path
from ingestion.company import load_company
from ingestion.pipeline import load_source
company = load_company(Path(sys.argv[1]))
for source in company.sources:
    load_source(company, source)
"""
AUDIT = """
import datetime as dt, sys
from pathlib import Path
from expectations.docs import build
from expectations.runner import audit
from ingestion.company import load_company
from ingestion.warehouse import Warehouse
company = load_company(Path(sys.argv[1]))
as_of, known_at = (dt.datetime.fromisoformat(moment) for moment in sys.argv[2:4])
for layer in ("raw", "marts"):
    audit(company, Warehouse.of(company), layer, as_of=as_of, known_at=known_at, run_id="bench")
build(company)
"""


@dataclass(frozen=True)
class Measure:
    """What a process took: seconds by the clock, and its largest resident memory in bytes."""

    name: str
    seconds: float
    peak_memory: int


def main() -> int:
    """Print the measures; exit status 1 when the whole takes more than 1.3 times its parts."""
    parser = argparse.ArgumentParser(prog="salesops bench", description=__doc__)
    parser.add_argument("--company", type=Path, default=company_file(), metavar="FILE")
    path = parser.parse_args().company.resolve()
    company = load_company(path)
    run = [sys.executable, "-m", "dagster_project.cli", "run", "--company", str(path)]
    _measure("warming up", run, {})
    parts = [_measure(name, command, env) for name, command, env in _bare(company)]
    whole = _measure("whole run", run, {})
    total = sum(part.seconds for part in parts)
    for measure in (*parts, whole):
        print(f"{measure.name:<12} {measure.seconds:6.1f} s {measure.peak_memory / 2**20:8.0f} MiB")
    ratio = whole.seconds / total
    print(f"whole / sum of the bare tools: {whole.seconds:.1f} / {total:.1f} = {ratio:.2f}")
    return 0 if ratio <= LIMIT else 1


def _bare(company: Company) -> list[tuple[str, list[str], Mapping[str, str]]]:
    """The same load, `dbt build` and validations: name, command, environment."""
    with open_run(company, "bench") as run:
        moments = {"SALESOPS_AS_OF": run.as_of, "SALESOPS_KNOWN_AT": now()}
    environment = {name: moment.isoformat(" ") for name, moment in moments.items()}
    dbt = Dbt.of(company)
    return [
        ("dlt load", [sys.executable, "-c", LOAD, str(company.path)], {}),
        ("dbt build", dbt.build_command(), {**dbt.connection, **environment}),
        (
            "GX",
            [sys.executable, "-c", AUDIT, str(company.path), *environment.values()],
            {},
        ),
    ]


def _measure(name: str, command: Sequence[str], env: Mapping[str, str]) -> Measure:
    print(f"{name} …", file=sys.stderr)
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **env}, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        sys.exit(f"{name} failed with exit status {code}")
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return Measure(name, time.perf_counter() - started, usage.ru_maxrss * unit)


if __name__ == "__main__":
    sys.exit(main())
