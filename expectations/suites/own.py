"""Suites of a company's own: the rules of the folder that `extend` in company.yml names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from expectations.suites.model import Suite, never
from ingestion.extension.folder import Extension, ExtensionError
from ingestion.extension.forms import RulesFile
from ingestion.warehouse.warehouse import Warehouse

NOT_ROWS = "marts.mart_restatements"
"""The table whose suite judges what is published, and not its own rows."""


def joined(shipped: Sequence[Suite], extension: Extension) -> list[Suite]:
    """One suite per table: the rules of a company after those that there are.

    Raises ExtensionError where a rule has the name of another, or its table has none of its own.
    """
    by_table = {suite.table: suite for suite in shipped}
    for file, said in extension.rules().items():
        own = _suite(f"marts.{file.stem}", said)
        before = by_table.get(own.table, replace(own, checks=()))
        taken = {check.name for check in before.checks}
        if own.table == NOT_ROWS:
            raise ExtensionError(f"{file}: {NOT_ROWS} takes no rules; remove them")
        for number, check in enumerate(own.checks):
            if check.name in taken:
                raise ExtensionError(
                    f"{file}: rules.{number}.name = {check.name!r}: the table has a rule of that "
                    "name; rename it"
                )
            taken.add(check.name)
        by_table[own.table] = replace(before, checks=(*before.checks, *own.checks))
    return list(by_table.values())


def _suite(table: str, said: RulesFile) -> Suite:
    rules = (never(it.name, it.severity, it.description, it.never) for it in said.rules)
    checks = tuple(replace(check, table=table) for check in rules)
    return Suite(table, f"select * from {table}", said.keys, checks)


def refuse_unreadable(
    extension: Extension, warehouse: Warehouse, values: Mapping[str, str]
) -> None:
    """Have the warehouse read each rule. Raises ExtensionError of those that it cannot."""
    problems = []
    for file, said in extension.rules().items():
        asked = {f"rules.{number}.never": it.never for number, it in enumerate(said.rules)}
        asked |= {f"keys.{number}": key for number, key in enumerate(said.keys)}
        for key, sql in asked.items():
            try:
                warehouse.read(
                    f"select {sql.format_map(values)} from marts.{file.stem} where false"
                )
            except Exception as error:
                told = warehouse.in_words(error)
                problems.append(f"{file}: {key} = {sql!r}: this SQL cannot be run; mend it: {told}")
    if problems:
        raise ExtensionError(*problems)
