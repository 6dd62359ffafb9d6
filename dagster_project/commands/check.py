"""`make check`: everything about a company that a run would stumble over, before there is a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dagster_project.commands.terminal import say
from dagster_project.run.clock import present_of
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.lock import run_lock
from dagster_project.run.simulation import Simulation, systems_up
from expectations.suites import suites
from ingestion.company.reading import read_company
from ingestion.company.settings import Company
from ingestion.errors import CompanyError
from ingestion.extension.folder import ExtensionError
from ingestion.loading.reports import SourceCheck, TableCheck, TableLoad
from ingestion.paths import CompanyPaths
from ingestion.pipeline import check
from ingestion.warehouse.warehouse import Warehouse

FILES_SHOWN = 3

log = logging.getLogger("salesops")


def read_or_refuse(path: Path) -> Company:
    """The company, to be run.

    Raises CompanyError of all that is wrong with its file, and then of all that is wrong with the
    sources, as far as the file is right about them.
    """
    read = read_company(path)
    if read.company and not read.problems:
        return read.company
    checks = [*check(read.company)] if read.company and not read.company.sandbox else []
    problems = [problem for source in checks for problem in source.problems]
    rejected = [told for source in checks for told in source.rejected]
    raise CompanyError(*read.problems, *problems, *rejected)


def print_check(path: Path, force: bool) -> bool:
    """Print what a run would read, reject and refuse; whether it is known that one would publish.

    That is as far as can be told without building a model. Raises CompanyError where the file is no
    YAML, WarehouseError, ClockError, and LockHeldError where a simulated company is running.
    """
    read = read_company(path)
    refused, rejected, unreached = list(read.problems), 0, []
    for problem in read.problems:
        say(f"error: {problem}")
    if read.company is None:
        return False
    with _readable(read.company) as company:
        for source in check(company, force=force, progress=log.info):
            _print_source(source)
            refused += source.problems
            unreached += [] if source.is_reached else [source.source]
            refused += _beyond_tolerance(company, source)
            rejected += sum(table.load.rows_rejected for table in source.tables)
        present_of(Warehouse.of(company))
    refused += _beyond_reading(read.company, refused)
    if refused:
        print(f"\n{len(refused)} to mend: a run would stop, or not be published.")
    elif unreached:
        names = ", ".join(unreached)
        print(f"\nNothing is wrong so far, but {names} cannot be reached: a run would stop now.")
    elif rejected:
        print(f"\nA run would load this: {rejected:,} rejected rows are within rejected_tolerance.")
    else:
        print("\nAll is right: a run would load this.")
    return not refused and not unreached


def _beyond_reading(company: Company, refused: Sequence[str]) -> Sequence[str]:
    """What dbt and the audit would refuse of a company's own, where all else of it is right."""
    dbt = Dbt.of(company)
    if refused or dbt.project.is_the_products:
        return []
    try:
        suites("marts", company.source_types, company.extension)
        dbt.check()
    except ExtensionError as error:
        for problem in error.problems:
            say(f"error: {problem}")
        return error.problems
    return []


@contextmanager
def _readable(company: Company) -> Iterator[Company]:
    """The company, a simulated one with its systems up."""
    if not company.sandbox:
        yield company
        return
    paths = CompanyPaths.of(company)
    with run_lock(paths.lock, "check"), systems_up(company, Simulation(), False) as connected:
        yield connected


def _print_source(source: SourceCheck) -> None:
    print()
    say(f"{source.source}: {source.type}, {source.place}")
    for table in source.tables:
        say(f"  {table.load.entity}: {_told(table)}")
        for rule in table.rules:
            say(f"    rejected: {rule}")
    for remark in source.remarks:
        say(f"  note: {remark}")
    for problem in source.problems:
        say(f"  error: {problem}")


def _told(table: TableCheck) -> str:
    load, files = table.load, list(table.files)
    left_out = len(files) - FILES_SHOWN
    names = ", ".join([*files[:FILES_SHOWN], *([f"{left_out} more"] if left_out > 0 else [])])
    return f"{load.rows_read or 0:,} rows of {names}: {', '.join(parts(load))}"


def parts(load: TableLoad) -> list[str]:
    """What became of the rows that were read."""
    named = {"rejected": load.rows_rejected, "restated by other files": load.rows_restated}
    return [f"{load.rows:,} fit", *(f"{rows:,} {name}" for name, rows in named.items() if rows)]


def _beyond_tolerance(company: Company, source: SourceCheck) -> Sequence[str]:
    """Entities of which more rows are rejected than may be."""
    found = []
    for table in source.tables:
        load = table.load
        share = load.rows_rejected / max(load.rows + load.rows_rejected, 1)
        if share > company.rejected_tolerance:
            found.append(
                f"{source.source}.{load.entity}: {share:.1%} rejected, above rejected_tolerance "
                f"({company.rejected_tolerance:.1%}): mend them as said, or allow as many with "
                f"rejected_tolerance in {company.path}"
            )
        elif load.entity == "quotas" and any(r.text.endswith("repeated") for r in table.rules):
            found.append(f"{source.source}.quotas: no target may have two quotas: see repeated")
    for problem in found:
        say(f"  error: {problem}")
    return found
