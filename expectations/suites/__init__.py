"""The suites: what is checked, as plain data, without Great Expectations."""

from __future__ import annotations

from collections.abc import Iterable

from expectations.suites import marts, raw
from expectations.suites.model import Check, Layer, Severity, Suite

__all__ = ["Check", "Layer", "Severity", "Suite", "checks", "suites"]


def suites(layer: Layer, source_types: Iterable[str]) -> list[Suite]:
    """The suites of a layer, one per table; those of raw for each of the source types."""
    return raw.suites(source_types) if layer == "raw" else list(marts.SUITES)


def checks(layer: Layer, source_types: Iterable[str]) -> list[Check]:
    """All checks of a layer; table and name together are unique."""
    return [check for suite in suites(layer, source_types) for check in suite.checks]
