"""What the audits have found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster_project.run.pipeline_run import PipelineRun
from expectations.report import CheckResult

if TYPE_CHECKING:
    from dagster_project.commands.console import PlainConsole

FAILURES_SHOWN = 10
REFERENCES = "marts.mart_references"
"""What resolves to nothing is told in full, whatever else there is to tell."""
KEYS_SHOWN = 3


def print_audits(console: PlainConsole, run: PipelineRun) -> None:
    """How many checks passed, and what failed; of many the first."""
    for layer, report in run.audits.items():
        passed = sum(result.success for result in report.results)
        console.print(
            f"Audit of {layer}: {passed} of {len(report.results)} checks passed, "
            f"{len(report.failures)} critical failed, {len(report.warnings)} warnings"
        )
        found = (*report.failures, *report.warnings)
        for result in found:
            if result.table == REFERENCES:
                _print_references(console, result)
        failing = [result for result in found if result.table != REFERENCES]
        for result in failing[:FAILURES_SHOWN]:
            _print_failure(console, result)
        if len(failing) > FAILURES_SHOWN:
            console.print(f"  and {len(failing) - FAILURES_SHOWN} more: see the Data Docs")


def _print_references(console: PlainConsole, result: CheckResult) -> None:
    for summary in result.sample_keys or (result.observed,):
        _print_result(console, result, summary)


def _print_failure(console: PlainConsole, result: CheckResult) -> None:
    found = (
        f"{result.unexpected:,} of {result.checked:,} rows" if result.checked else result.observed
    )
    keys = f" ({', '.join(result.sample_keys[:KEYS_SHOWN])})" if result.sample_keys else ""
    _print_result(console, result, f"{result.table}.{result.name}, {found}{keys}")
    if result.severity == "critical":
        console.print(f"    {result.description}")


def _print_result(console: PlainConsole, result: CheckResult, told: str) -> None:
    console.print(
        f"  {result.severity}: {told}",
        style="red" if result.severity == "critical" else "yellow",
    )
