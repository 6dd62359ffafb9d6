"""The audit of a layer: every table is read once and judged once, and nothing fails unseen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from expectations.comparison import Comparison
from expectations.frames import empty_tables, placeholders, read_rows
from expectations.judge import Judge, failed
from expectations.report import AuditReport, CheckResult
from expectations.stakes import read_stakes
from expectations.store import StoredAudit, save
from expectations.suites import Layer, Suite, suites
from expectations.suites.own import refuse_unreadable
from ingestion.company.settings import Company
from ingestion.disk.refusals import storage_error
from ingestion.errors import SalesopsError
from ingestion.optional import optional
from ingestion.warehouse.warehouse import Warehouse


def audit(
    company: Company,
    warehouse: Warehouse,
    layer: Layer,
    *,
    as_of: dt.datetime,
    known_at: dt.datetime,
    run_id: str,
    comparisons: Sequence[Comparison] = (),
) -> AuditReport:
    """Judge the raw tables or the marts, and keep what was found for the Data Docs.

    What is found in another warehouse than the company's own, as a run for a past moment has, is
    not kept. `as_of` and `known_at` are UTC moments without zone, `comparisons` what the audit of
    the marts compares with the last publication. A table that cannot be read and
    a check that cannot run are critical failures. Raises SalesopsError when the warehouse itself
    cannot be used, or a rule of the company's own cannot be read.
    """
    with warehouse.kept_open():
        todo = suites(layer, company.source_types, company.extension)
        values = placeholders(company, as_of, known_at, comparisons)
        if layer == "marts":
            refuse_unreadable(company.extension, warehouse, values)
        judge = Judge(run_id, {"rejected_tolerance": company.rejected_tolerance})
        results, validations = _judge(warehouse, todo, judge, values)
    report = AuditReport(layer, run_id, tuple(results))
    if warehouse == Warehouse.of(company):
        with optional("the audit is not kept for the Data Docs"):
            stakes = read_stakes(warehouse) if layer == "marts" else ()
            by_table = {it["suite_name"]: _page(report, it) for it in validations}
            save(company, StoredAudit(report, by_table, as_of.isoformat(), stakes))
    return report


def _judge(
    warehouse: Warehouse, todo: Sequence[Suite], judge: Judge, values: Mapping[str, str]
) -> tuple[list[CheckResult], list[dict[str, Any]]]:
    """What was found, and Great Expectations' own results as JSON documents."""
    results: list[CheckResult] = []
    validations: list[dict[str, Any]] = []
    empty = empty_tables(warehouse, [suite.table for suite in todo])
    for suite in todo:
        if suite.table in empty and suite.may_be_empty:
            results += _nothing_to_judge(suite)
            continue
        try:
            rows = read_rows(warehouse, suite, values)
            outcome, validation = judge.validate(suite, rows)
        except SalesopsError:
            raise
        except Exception as error:
            if of_the_disk := storage_error(error):
                raise of_the_disk from error
            cause = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            results += (failed(check, cause) for check in suite.checks)
            continue
        results += outcome
        validations.append(validation)
    return results, validations


def _page(report: AuditReport, validation: dict[str, Any]) -> str:
    from expectations.pages import pages

    table = validation["suite_name"]
    return pages().table([it for it in report.results if it.table == table], validation)


def _nothing_to_judge(suite: Suite) -> list[CheckResult]:
    return [
        CheckResult(
            check.table, check.name, check.severity, True, 0, 0, (), check.description, "no rows"
        )
        for check in suite.checks
    ]
