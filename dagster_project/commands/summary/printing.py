"""The summary from top to bottom: what was published, loaded and found, and where it all is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dagster_project.commands.summary.audits import print_audits
from dagster_project.commands.summary.changes import print_changes
from dagster_project.commands.summary.kpis import (
    other_definitions,
    print_heading,
    print_kpis,
    print_moves,
    too_little,
)
from dagster_project.commands.summary.loads import print_loads
from dagster_project.commands.summary.most_changed import most_changed
from dagster_project.commands.summary.people import talks
from dagster_project.numbers.findings import findings
from dagster_project.numbers.headlines import Edition, published
from dagster_project.numbers.untold import Untold, published_untold
from dagster_project.publication import Publication
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.paths import CompanyPaths

if TYPE_CHECKING:
    from dagster_project.commands.console import PlainConsole

WIDTH_OF_A_FILE = 100


def print_summary(run: PipelineRun, before: Edition | None) -> None:
    """Print what was published, what was loaded, rejected and found, and where it all is.

    `before` is what was published until then.
    """
    from dagster_project.commands.console import PlainConsole

    # A file or a pipe has no width that tables would have to be cut to.
    console = PlainConsole(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    console.print()
    if run.publication and (edition := published(run.paths)):
        print_heading(console, run)
        untold = published_untold(run.paths, run.company.local(run.as_of))
        _print_first(console, run, edition, untold)
        print_kpis(console, run, edition.figures, untold)
        if before:
            if told := other_definitions(before, edition):
                console.print(told, style="yellow")
            print_moves(console, before, edition)
            if before.as_of < edition.as_of:
                print_changes(console, run, before.as_of)
        for line in talks(run.paths):
            console.print(line)
    print_loads(console, run)
    print_audits(console, run)
    _print_places(console, run)


def _print_first(console: PlainConsole, run: PipelineRun, edition: Edition, untold: Untold) -> None:
    """What changed most, what is not told and what to fix first: the tables below are too long."""
    moment, year_start = run.company.local(run.as_of), run.company.fiscal_year_start_month
    said, changes = most_changed(edition.figures, moment, untold)
    console.print(said)
    console.ranked(changes)
    console.print()
    if lacking := too_little(edition.figures, untold, moment, year_start):
        for line in lacking:
            console.print(line, style="yellow")
        console.print()
    if found := findings(run.paths):
        console.print("To fix first, by the money at stake:")
        console.ranked(found, style="yellow")
        console.print()


def print_unchanged(run: PipelineRun, publication: Publication) -> None:
    """Print the summary of what is published already; this run would publish the same."""
    run.publication, run.asked_as_of = publication, publication.as_of
    local = run.company.local(publication.published_at)
    print(f"\nNothing is new since {local:%Y-%m-%d %H:%M}: what was published then stays.")
    print_summary(run, None)


def _print_places(console: PlainConsole, run: PipelineRun) -> None:
    console.print()
    published = run.paths.published
    if not run.publication:
        kept = "the last good marts stay in place" if published.exists() else "there are no marts"
        console.print(f"Nothing was published: {kept}.", style="bold red")
    rows = {
        "Marts": run.paths.marts,
        "People": run.paths.people,
        "Parquet": published / "parquet",
        "Data Docs": CompanyPaths.of(run.company).data_docs / "index.html",
    }
    if (dashboard := published / "dashboard" / "index.html").exists():
        console.print(f"{'Dashboard':<10} {dashboard.as_uri()}", soft_wrap=True)
    for name, path in rows.items():
        if path.exists():
            console.print(f"{name:<10} {path}", soft_wrap=True)
    console.print(f"{'UI':<10} make ui COMPANY={run.company.path}", soft_wrap=True)
