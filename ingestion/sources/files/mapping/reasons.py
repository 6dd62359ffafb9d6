"""What can be wrong with a row: reasons to reject it, in words, as SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ingestion.contract.columns import Entity
from ingestion.contract.types import TYPES
from ingestion.sources.files.mapping.picking import Picked
from ingestion.sources.files.values.casting import PLAUSIBLE, is_share
from ingestion.sources.files.values.numbers import SHARED_SYMBOLS
from ingestion.warehouse.duckdb_sql import literal, quote


def problems_of(pick: Picked) -> Iterator[str]:
    """SQL of each thing that can be wrong with a value: what it is, NULL where it is not."""
    column, name = pick.column, quote(pick.column.name)

    def problem(condition: str, expected: str) -> str:
        text = f"{pick.shown} || {literal(': expected ' + expected)}"
        return f"case when {condition} then {text} end"

    if pick.is_guarded:
        failed = f"{column.name}: the expression {pick.sql.strip()} fails on this row"
        yield f"case when {pick.name} is null then {literal(failed)} end"
    if column.required:
        missing = f"{pick.name} is not null" if pick.is_guarded else "true"
        text = literal(f"{column.name}: missing, but required")
        yield f"case when ({pick.is_empty}) and {missing} then {text} end"
    if column.type != "text":
        mend = f"; {pick.hint}" if pick.hint else ""
        misfit = pick.does_not_fit
        if pick.is_temporal:
            misfit += f" and {pick.is_implausible} is not true"
            yield problem(pick.is_implausible, PLAUSIBLE + mend)
        yield problem(misfit, TYPES[column.type].described + mend)
    if column.allowed:
        allowed = ", ".join(map(literal, column.allowed))
        yield problem(f"{name} not in ({allowed})", f"one of {', '.join(column.allowed)}")
    if column.minimum is not None:
        yield problem(f"{name} < {column.minimum}", f"{column.minimum:g} or more")
    if column.maximum is not None:
        mend = "; where it is percent, x / 100" if is_share(column) else ""
        yield problem(f"{name} > {column.maximum}", f"{column.maximum:g} or less{mend}")


def currency_problems(
    entity: Entity, picked: Iterable[Picked], company: str | None
) -> Iterator[str]:
    """SQL of amounts whose text names another currency than their row; NULL where it does not."""
    if "currency" in entity.by_name:
        of_row = f"coalesce(currency, {literal(company) if company else 'NULL'})"
    elif company and entity.name != "invoice_lines":
        of_row = literal(company)
    else:
        return
    other = "; if it is in another currency, map 'currency'"
    for pick in picked:
        if pick.currency:
            shared = " ".join(
                f"when {literal(sign)} then {of_row} not in ({', '.join(map(literal, codes))})"
                for sign, codes in SHARED_SYMBOLS.items()
            )
            differs = f"case {pick.currency} {shared} else {pick.currency} <> {of_row} end"
            reason = f"{pick.shown} || ': the row is in ' || {of_row} || {literal(other)}"
            yield f"case when {differs} then {reason} end"
