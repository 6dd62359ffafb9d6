"""A receipt as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dagster_project.commands.terminal import say
from dagster_project.numbers.cell import COMPANY, MONTHS, Calendar, Cell
from dagster_project.numbers.receipts import (
    BESIDE,
    EXCLUDED,
    INCLUDED,
    Figures,
    Receipts,
)
from ingestion.visible import visible

SHOWN = 20
"""The records of a kind that are listed, unless all are asked for."""
NUMBERS = (float, Decimal)
Row = Sequence[Any]


@dataclass(frozen=True)
class Report:
    """A number and what it follows from, as text; moments in the company's time zone."""

    receipts: Receipts
    cell: Cell
    timezone: str
    shown: int | None

    def print(self) -> None:
        """Print all of it."""
        published = self.receipts.published(self.cell)
        self._print_number(published)
        if not self.receipts.is_gone(self.cell):
            self._print_definition()
            self._print_factors()
            self._print_records(published)
            self._print_beside()
            self._print_left_out(published)
        self._print_before(published)

    def _print_number(self, published: Figures | None) -> None:
        cell = self.cell
        whose = "" if cell.cut == COMPANY else f", {cell.cut} {self._key()}"
        say(f"{cell.metric} {cell.variant} of {self._period()}{whose}")
        if published is None:
            is_defined = not self.receipts.is_gone(cell)
            told = "nothing counts in it any more" if is_defined else "it is defined no more"
            say(f"  no value: {told}")
            return
        unit = self.receipts.variants[cell.metric, cell.variant].unit
        say(f"  value        {number(published.value)} ({unit})")
        if published.denominator is not None:
            say(f"  numerator    {number(published.numerator)}")
            say(f"  denominator  {number(published.denominator)}")
        say(f"  records      {published.n_included:,}")
        say(f"  left out     {published.n_excluded:,}")
        if why := self.receipts.why_unknown(cell):
            say(f"  no value: {why}")
        as_of, run_id = self._edition()
        say(f"  published as of {self._local(as_of)} by run {run_id}")

    def _print_definition(self) -> None:
        [(definition, formula, better, owner, hash_)] = self._rows(
            """select definition, formula, better, owner, definition_hash
            from marts.kpi_definitions where metric = ? and variant = ?""",
            self.cell.metric,
            self.cell.variant,
        )
        print("\nDefinition")
        say(f"  {formula}")
        for line in definition.splitlines():
            say(f"  {line}")
        say(f"  Better: {better}. Owner: {owner}. Hash: {hash_}.")

    def _print_factors(self) -> None:
        factors = self.receipts.factors(self.cell)
        if not factors:
            return
        variant = self.receipts.variants[self.cell.metric, self.cell.variant]
        print("\nMade of")
        say(f"  numerator    {variant.numerator_formula}")
        say(f"  denominator  {variant.denominator_formula}")
        parts = ("value", "numerator", "denominator")
        of = {name: self.receipts.retraced(factor) for name, factor in factors.items()}
        rows = [(name, *(getattr(of[name], part, None) for part in parts)) for name in of]
        _print_table(("metric", *parts), rows)

    def _print_records(self, published: Figures | None) -> None:
        n_included = published.n_included if published else 0
        print(f"\nRecords: {n_included:,}{self._sum(self.receipts.retraced(self.cell))}")
        self._print_members(INCLUDED, n_included, "numerator", "denominator")

    def _sum(self, figures: Figures | None) -> str:
        """What the records come to, and how."""
        kind = self.receipts.variants[self.cell.metric, self.cell.variant].kind
        if figures is None or figures.value is None or kind == "product":
            return ""
        if kind == "median":
            return f", of which the median is {number(figures.value)}"
        if figures.denominator is None:
            return f", which come to {number(figures.value)}"
        parts = f"{number(figures.numerator)} / {number(figures.denominator)}"
        return f", which come to {parts} = {number(figures.value)}"

    def _print_beside(self) -> None:
        if n_beside := self.receipts.sums(self.cell).n_beside:
            print(f"\nBeside the records, adding to one side only: {n_beside:,}")
            self._print_members(BESIDE, n_beside, "side", "numerator", "denominator")

    def _print_left_out(self, published: Figures | None) -> None:
        reasons = self.receipts.reasons(self.cell)
        n_excluded = published.n_excluded if published else 0
        told = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
        print()
        say(f"Left out: {n_excluded:,}{told and f' ({told})'}")
        self._print_members(EXCLUDED, n_excluded, "exclusion_reason")

    def _print_before(self, published: Figures | None) -> None:
        print("\nPublished before")
        before = self.receipts.restatement(self.cell)
        if before is None:
            is_of_months = self.cell.grain in MONTHS
            why = "the period has not ended" if is_of_months else "kept of months, quarters, years"
            say(f"  no history: {why}")
        elif before.first_run_id == self._edition()[1]:
            say("  published for the first time since the period's end")
        else:
            moment = self._local(before.first_as_of)
            say(f"  as of {moment} by run {before.first_run_id}, the first since the period's end:")
            say(f"  {number(before.first_value)} of {before.first_n_included:,} records")
            changes = [(cause, number(change)) for cause, change in before.causes.items()]
            _print_table(("since then", "change"), changes)
            say(f"  now {number(published.value if published else None)}")

    def _print_members(self, which: str, count: int, *more: str) -> None:
        cuts = [cut for cut in ("rep", "stage") if cut in self.receipts.columns]
        names = ("entity", "entity_id", "period_on", *cuts, *more)
        rows = self.receipts.members(self.cell, which, ", ".join(names), self.shown)
        _print_table(names, rows)
        if (left := count - len(rows)) > 0:
            print(f"  … and {left:,} more: ALL=1 lists them, FORMAT=csv writes all as CSV")

    def _period(self) -> str:
        """The period as it is asked for, with its days where that does not say them."""
        cell = self.cell
        written = Calendar.of(self.receipts.connection).write(cell.grain, cell.start)
        if cell.end is None or cell.grain == "month":
            return written
        return f"{written} ({cell.start} to {cell.end - dt.timedelta(days=1)})"

    def _key(self) -> str:
        """The key with its name."""
        [(label,)] = self._rows(
            """select max(dimension_label) from marts.kpi_values
            where dimension = ? and dimension_key = ?""",
            self.cell.cut,
            self.cell.key,
        )
        return self.cell.key if label in (None, self.cell.key) else f"{label} ({self.cell.key})"

    def _edition(self) -> tuple[dt.datetime, str]:
        """The business moment of what is published, and its run."""
        [edition] = self._rows("select as_of, run_id from marts.publication")
        return edition[0], edition[1]

    def _local(self, moment: dt.datetime) -> str:
        local = moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(self.timezone))
        return f"{local:%Y-%m-%d %H:%M} {self.timezone}"

    def _rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.receipts.connection.execute(sql, parameters).fetchall()


def number(value: float | Decimal | None) -> str:
    """A number in full, without noughts behind it; – where there is none.

    >>> number(1234.5), number(45.0), number(None)
    ('1,234.5', '45', '–')
    """
    return "–" if value is None else f"{value:,.6f}".rstrip("0").rstrip(".")


def _print_table(names: Sequence[str], rows: Sequence[Row]) -> None:
    """Print rows under their headings, without the columns that none of them has."""
    columns = [
        _aligned(name, column)
        for name, column in zip(names, zip(*rows, strict=True), strict=False)
        if any(value is not None for value in column)
    ]
    for cells in zip(*columns, strict=True):
        print(f"  {'  '.join(cells)}".rstrip())


def _aligned(name: str, values: Row) -> list[str]:
    """A heading and what stands below it, of one width: numbers to the right."""
    texts = [name, *("" if value is None else _text(value) for value in values)]
    width = max(map(len, texts))
    is_number = any(isinstance(value, NUMBERS) for value in values)
    return [text.rjust(width) if is_number else text.ljust(width) for text in texts]


def _text(value: object) -> str:
    return number(value) if isinstance(value, NUMBERS) else visible(value)
