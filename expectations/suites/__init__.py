"""The suites: what is checked, as plain data, without Great Expectations."""

from __future__ import annotations

from collections.abc import Iterable

from expectations.suites import marts, own, raw
from expectations.suites.model import Check, Layer, Severity, Suite
from ingestion.extension.folder import NOTHING, Extension

__all__ = ["Check", "Layer", "Severity", "Suite", "checks", "suites"]


def suites(
    layer: Layer, source_types: Iterable[str], extension: Extension = NOTHING
) -> list[Suite]:
    """The suites of a layer, one per table; those of raw for each of the source types.

    Those of the marts have the rules of a company's `extension`, too.
    """
    return raw.suites(source_types) if layer == "raw" else own.joined(marts.SUITES, extension)


def checks(
    layer: Layer, source_types: Iterable[str], extension: Extension = NOTHING
) -> list[Check]:
    """All checks of a layer; table and name together are unique."""
    return [check for suite in suites(layer, source_types, extension) for check in suite.checks]
