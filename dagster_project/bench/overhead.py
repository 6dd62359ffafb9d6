"""A warm run beside the same work done by the bare tools, each in its own process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from dagster_project.bench.measure import measure
from dagster_project.run.clock import now
from dagster_project.run.dbt_runner import Dbt, run_values
from dagster_project.run.opening import open_run
from ingestion.company.reading import load_company
from ingestion.company.settings import Company

LIMIT = 1.3
LOAD = """
import sys
from pathlib import Path
from dagster_project.run.simulation import Simulation, systems_up
from ingestion.company.reading import load_company
from ingestion.pipeline import load_source
with systems_up(load_company(Path(sys.argv[1])), Simulation(), False) as company:
    for source in company.sources:
        load_source(company, source)
"""
AUDIT = """
import datetime as dt, sys
from pathlib import Path
from expectations.docs import build
from expectations.runner import audit
from ingestion.company.reading import load_company
from ingestion.warehouse.warehouse import Warehouse
company = load_company(Path(sys.argv[1]))
as_of, known_at = (dt.datetime.fromisoformat(moment) for moment in sys.argv[2:4])
for layer in ("raw", "marts"):
    audit(company, Warehouse.of(company), layer, as_of=as_of, known_at=known_at, run_id="bench")
build(company)
"""


def compare(file: Path) -> bool:
    """Print the measures; whether the whole takes at most 1.3 times the sum of its parts.

    A simulated company's systems are started once for the whole and once for the bare load.
    """
    company = load_company(file)
    # Of a run that finds nothing new only the loads would be timed: --force makes a whole one.
    run = [sys.executable, "-m", "dagster_project.cli", "run", "--force", "--company", str(file)]
    measure("warming up", run, {})
    parts = [measure(*command) for command in _bare(company)]
    whole = measure("whole run", run, {})
    total = sum(part.seconds for part in parts)
    for one in (*parts, whole):
        print(f"{one.name:<12} {one.seconds:6.1f} s {one.peak_memory / 2**20:8.0f} MiB at its peak")
    ratio = whole.seconds / total
    print(f"whole / sum of the bare tools: {whole.seconds:.1f} / {total:.1f} = {ratio:.2f}\n")
    return ratio <= LIMIT


def _bare(company: Company) -> list[tuple[str, list[str], Mapping[str, str]]]:
    """The same load, `dbt build` and validations: name, command, environment."""
    with open_run(company, "bench") as run:
        moments = run.as_of, now()
        values = run_values(*moments, company_as_of=run.company.own_as_of)
    dbt = Dbt.of(company)
    return [
        ("dlt load", [sys.executable, "-c", LOAD, str(company.path)], {}),
        ("dbt build", dbt.build_command(), {**dbt.connection, **values}),
        ("GX", [sys.executable, "-c", AUDIT, str(company.path), *map(str, moments)], {}),
    ]
