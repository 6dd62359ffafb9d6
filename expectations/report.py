"""What an audit found."""

from __future__ import annotations

import re
from dataclasses import dataclass

from expectations.suites import Layer, Severity
from ingestion.visible import visible

_EMAIL = re.compile(r"[^@\s/'\"]+@[^@\s/'\"]+\.[^@\s/'\"]+")


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    `checked` rows were judged and `unexpected` of them fail; `sample_keys` are the ids of some of
    those. Where a table as a whole is judged, or the check could not run, both are 0 and
    `observed` says what was seen, or what went wrong.
    """

    table: str
    name: str
    severity: Severity
    success: bool
    checked: int
    unexpected: int
    sample_keys: tuple[str, ...]
    description: str
    observed: str


@dataclass(frozen=True)
class AuditReport:
    """The outcomes of all checks of a layer, in the order of the suites."""

    layer: Layer
    run_id: str
    results: tuple[CheckResult, ...]

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """Critical checks that fail: nothing may be published."""
        return self._failing("critical")

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """Checks that fail without standing in the way of publication."""
        return self._failing("warning")

    def _failing(self, severity: Severity) -> tuple[CheckResult, ...]:
        return tuple(r for r in self.results if not r.success and r.severity == severity)


def without_emails(text: str) -> str:
    """The text in one line, email addresses struck out: ids and messages may hold some."""
    return _EMAIL.sub("(email)", visible(text))
