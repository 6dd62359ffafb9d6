"""Suites of the raw tables: records that are fit to be built upon.

What breaks the contract never gets this far: it is in `rejected`, and counted here. What only the
sales people can put right (a deal without an account) is judged once, on the marts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from expectations.suites.model import Check, Suite
from expectations.suites.raw import crm, enablement, finance, marketing, planning
from expectations.suites.raw.exports import EXPORT_CHECKS, latest_exports
from expectations.suites.raw.rejected import REJECTED, REJECTED_CHECKS
from expectations.suites.raw.relations import LATEST_VERSIONS
from ingestion.sources.registry import SOURCE_TYPES

CHECKS = {
    entity: checks
    for subject in (crm, marketing, finance, planning, enablement)
    for entity, checks in subject.CHECKS.items()
}


def suites(source_types: Iterable[str]) -> list[Suite]:
    """The suites of the raw tables of these source types."""
    return [suite for source_type in source_types for suite in _suites_of(source_type)]


def _suites_of(source_type: str) -> Iterable[Suite]:
    dataset = SOURCE_TYPES[source_type].dataset
    # Records that are raw in other columns than the contract's are judged on the marts.
    for entity, checks in CHECKS.items() if SOURCE_TYPES[source_type].is_canonical else ():
        relation = LATEST_VERSIONS.replace("{entity}", entity)
        yield _suite(dataset, entity, relation, ("source_instance", "source_id"), checks)
    exports = latest_exports(source_type)
    yield _suite(dataset, "exports", exports, ("source_instance", "entity"), EXPORT_CHECKS)
    yield _suite(
        dataset, "rejected", REJECTED, ("source_instance", "entity", "summary"), REJECTED_CHECKS
    )


def _suite(
    dataset: str, table: str, relation: str, keys: tuple[str, ...], checks: tuple[Check, ...]
) -> Suite:
    name = f"{dataset}.{table}"
    return Suite(
        name,
        relation.replace("{dataset}", dataset),
        keys,
        tuple(replace(check, table=name) for check in checks),
    )
