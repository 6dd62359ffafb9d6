"""The pages of the Data Docs: what Great Expectations found, in words that say what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from expectations.report import AuditReport, CheckResult, without_emails
from expectations.stakes import Stake
from expectations.store import StoredAudit
from ingestion.company.settings import Company

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Judged:
    """The outcome of a check with what Great Expectations' own result says besides.

    The rule covers `result.checked` of `rows`; of the others it says nothing.
    """

    result: CheckResult
    rows: int
    expectation: str
    traceback: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What is at stake, and the check that says what should be so."""

    stake: Stake
    check: CheckResult | None


class Pages:
    """Renders a site's pages as HTML: values are text, whatever is in them."""

    def __init__(self, autoescape: bool = True) -> None:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=autoescape,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(share=share, amount=amount)
        self._table = environment.get_template("table.html")
        self._index = environment.get_template("index.html")

    def table(self, results: Sequence[CheckResult], document: Mapping[str, Any]) -> str:
        """The page of one table: its checks, and their validation result as a JSON document."""
        outcomes = {
            outcome["expectation_config"]["meta"]["check"]: outcome
            for outcome in document["results"]
        }
        return self._table.render(
            table=document["suite_name"],
            judged=[_judged(it, outcomes[it.name]) for it in _by_importance(results)],
            run=document["meta"]["run_id"],
        )

    def index(self, company: Company, audits: Sequence[StoredAudit]) -> str:
        """The first page: what keeps numbers from being published, what to fix, all checks."""
        reports = [audit.report for audit in audits]
        checks = {(it.table, it.name): it for report in reports for it in report.results}
        stakes = [stake for audit in audits for stake in audit.stakes]
        findings = [Finding(it, checks.get(it.check)) for it in stakes if it.rule != "all"]
        told = {(it.check.table, it.check.name) for it in findings if it.check}
        return self._index.render(
            company=company.name,
            currency=company.currency,
            audits=[(it.report, _when(company, it)) for it in audits],
            runs={report.run_id for report in reports},
            failures=[it for report in reports for it in _by_importance(report.failures)],
            warnings=[it for report in reports for it in _by_importance(report.warnings)],
            findings=findings,
            whole=next((it for it in stakes if it.rule == "all"), None),
            told=told,
            pages={table for audit in audits for table in audit.pages},
            tables=_tables(reports),
        )


@cache
def pages() -> Pages:
    """What renders all pages of this process: their templates are compiled once."""
    return Pages()


def share(part: int, whole: int) -> str:
    """A share in percent, which is 0% or 100% only where it is exactly that.

    >>> share(1, 5000), share(61, 6182), share(4999, 5000), share(0, 7)
    ('under 0.1%', '1.0%', 'over 99.9%', '0%')
    """
    if part in (0, whole):
        return "100%" if part else "0%"
    percent = 100 * part / whole
    if percent < 0.1:
        return "under 0.1%"
    return "over 99.9%" if percent > 99.9 else f"{percent:.1f}%"


def amount(money: float, currency: str) -> str:
    """Money without cents; less than one is not none.

    >>> amount(1008925.03, "EUR"), amount(-0.4, "EUR")
    ('1,008,925 EUR', 'under 1 EUR')
    """
    return f"{money:,.0f} {currency}" if abs(money) >= 1 else f"under 1 {currency}"


def _judged(result: CheckResult, outcome: Mapping[str, Any]) -> Judged:
    config = outcome["expectation_config"]
    arguments = {
        key: value
        for key, value in config["kwargs"].items()
        if key != "batch_id" and value is not None
    }
    told = ", ".join(f"{key} = {value!r}" for key, value in arguments.items())
    return Judged(
        result,
        outcome["result"].get("element_count", result.checked),
        f"{config['type']}({told})",
        tuple(_traceback(outcome["exception_info"] or {})),
    )


def _traceback(info: Mapping[str, Any]) -> list[str]:
    """The lines of the first traceback: there is one, or one per metric."""
    for one in (info, *(value for value in info.values() if isinstance(value, Mapping))):
        if trace := one.get("exception_traceback"):
            return [without_emails(line) for line in str(trace).split("\n")]
    return []


def _by_importance(results: Collection[CheckResult]) -> list[CheckResult]:
    """What fails before what holds, what is critical first, then the greater share of rows."""
    return sorted(results, key=lambda it: (it.success, it.severity != "critical", -_failing(it)))


def _failing(result: CheckResult) -> float:
    """The share of rows that fail: all, where a table fails as a whole."""
    return result.unexpected / result.checked if result.checked else float(not result.success)


def _tables(reports: Sequence[AuditReport]) -> dict[str, dict[str, list[CheckResult]]]:
    """All checks by layer and table, the tables in the order of the suites."""
    found: dict[str, dict[str, list[CheckResult]]] = {}
    for report in reports:
        tables = found.setdefault(report.layer, {})
        for result in report.results:
            tables.setdefault(result.table, []).append(result)
    return {
        layer: {table: _by_importance(results) for table, results in tables.items()}
        for layer, tables in found.items()
    }


def _when(company: Company, audit: StoredAudit) -> str:
    """The moment of which an audit is, on the company's clock; empty where it is not kept."""
    if audit.as_of is None:
        return ""
    moment = company.local(dt.datetime.fromisoformat(audit.as_of))
    return f"{moment.day} {moment:%B %Y, %H:%M} ({company.timezone})"
