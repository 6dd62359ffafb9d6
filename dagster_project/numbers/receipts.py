"""A number of `kpi_values`, computed anew from the published records that it rests on.

What a member adds to is said by itself (`kpi_members`), and what they come to by its variant
(`kpi_variants`): the roll-up of dbt/macros/kpi.sql, for one number at a time. What is published is
of the company's present, so that only earlier months, and beginnings, are of the past.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dagster_project.numbers.cell import COMPANY, GRAINS, Cell, ExplainError
from dagster_project.run.kpi_metrics import UNKNOWN
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb

INCLUDED = "side is null and exclusion_reason is null"
EXCLUDED = "side is null and exclusion_reason is not null"
BESIDE = "side is not null and exclusion_reason is null"
"""What adds to a number without being a record of it, such as a team's quota."""
SUMS = f"""
    count(*),
    cast(sum(numerator) filter (exclusion_reason is null) as double),
    cast(sum(denominator) filter (exclusion_reason is null) as double),
    median(cast(numerator as double)) filter (exclusion_reason is null),
    count(*) filter ({INCLUDED}),
    count(*) filter ({EXCLUDED}),
    count(*) filter (side is null and exclusion_reason in {UNKNOWN}),
    count(*) filter ({BESIDE}),
    cast(date_trunc('month', max(period_on)) as date)
"""
"""What members add up to, in the order of Sums."""
CELL = (
    "metric = ? and variant = ? and period_grain = ? and period_start is not distinct from ? "
    "and dimension = ? and dimension_key = ?"
)
"""A number in a table of them; its parameters are those of a Cell."""
NUMERIC = "numeric(38, 6)"
CAUSES = ("late_facts", "corrections", "definition_change", "later_events")
FACTOR = re.compile(r"(\w+)\.(?:value|numerator|denominator)")
ARITHMETIC = re.compile(r"(?:\d+(?:\.\d+)?|[-+*/(), ]|nullif|coalesce|greatest|least)*")


@dataclass(frozen=True)
class Figures:
    """A number and the parts that it is made of, as `kpi_values` has them."""

    value: float | None
    numerator: float | None
    denominator: float | None
    n_included: int
    n_excluded: int

    def difference(self, other: Figures) -> list[str]:
        """The names of the parts in which two differ; sums of floats may in their last digits."""
        return [
            part.name
            for part, one, two in zip(fields(self), astuple(self), astuple(other), strict=True)
            if not _is_same(one, two)
        ]


@dataclass(frozen=True)
class Variant:
    """How a value follows from the members: a row of `kpi_variants`."""

    unit: str
    kind: str
    state: str | None
    least_denominator: float
    factors: tuple[str, ...]
    numerator_formula: str | None
    denominator_formula: str | None


@dataclass(frozen=True)
class Restatement:
    """A number as it was first published after its period's end, and why it differs now."""

    first_run_id: str
    first_as_of: dt.datetime
    first_value: float | None
    first_n_included: int
    late_facts: float | None
    corrections: float | None
    definition_change: float | None
    later_events: float | None

    @property
    def causes(self) -> Mapping[str, float | None]:
        """What each cause has added since; None where a number is missing on one side of it."""
        return {name: getattr(self, name) for name in CAUSES}


@dataclass(frozen=True)
class Sums:
    """What the members of a cell add up to."""

    n_rows: int
    numerator: float | None
    denominator: float | None
    median: float | None
    n_included: int
    n_excluded: int
    n_unknown: int
    n_beside: int
    last_month: dt.date | None

    @property
    def is_too_unknown(self) -> bool:
        """Whether over a tenth of the records is not known."""
        return 10 * self.n_unknown > self.n_included + self.n_excluded


@dataclass(frozen=True)
class Receipts:
    """The numbers of a publication, and what they follow from."""

    connection: duckdb.DuckDBPyConnection

    @cached_property
    def variants(self) -> Mapping[tuple[str, str], Variant]:
        """How each variant of each metric follows from its members."""
        rows = self.connection.execute(
            """select metric, variant, unit, kind, state,
                coalesce(cast(least_denominator as double), '-inf'),
                coalesce(string_split(factors, ' '), []), numerator_formula, denominator_formula
            from marts.kpi_variants"""
        ).fetchall()
        return {
            (metric, variant): Variant(unit, kind, state, least, tuple(factors), *formulas)
            for metric, variant, unit, kind, state, least, factors, *formulas in rows
        }

    @cached_property
    def columns(self) -> Sequence[str]:
        """The columns of `kpi_members`."""
        rows = self.connection.execute("describe marts.kpi_members").fetchall()
        return [name for name, *_ in rows]

    def is_gone(self, cell: Cell) -> bool:
        """Whether its metric, or variant, was published once and is defined no more."""
        return (cell.metric, cell.variant) not in self.variants and self.published(cell) is None

    def published(self, cell: Cell) -> Figures | None:
        """What `kpi_values` says; None where it has no such number any more."""
        row = self.connection.execute(
            f"""select value, cast(numerator as double), cast(denominator as double), n_included,
                n_excluded
            from marts.kpi_values where {CELL}""",
            list(astuple(cell)),
        ).fetchone()
        return Figures(*row) if row else None

    def retraced(self, cell: Cell) -> Figures | None:
        """What the members come to; None where there is nothing to have a number of."""
        if self.is_gone(cell):
            return None
        variant = self.variants[cell.metric, cell.variant]
        sums = self.sums(cell)
        if not sums.n_rows and not (variant.state == "end" and cell.cut == COMPANY):
            return None
        if variant.kind == "product":
            of = {name: self.retraced(factor) for name, factor in self.factors(cell).items()}
            [product] = self.products(variant, [of])
            return Figures(*product, sums.n_included, sums.n_excluded)
        return self.figures(cell, sums)

    def figures(self, cell: Cell, sums: Sums) -> Figures:
        """What sums of members come to, unless it is a product of other metrics."""
        variant = self.variants[cell.metric, cell.variant]
        counts = (sums.n_included, sums.n_excluded)
        if variant.kind == "median":
            return Figures(sums.median, None, None, *counts)
        numerator = None if self._is_unknown(variant, sums, cell) else sums.numerator or 0.0
        if variant.kind == "sum":
            return Figures(numerator, numerator, None, *counts)
        denominator = max(sums.denominator or 0.0, variant.least_denominator)
        return Figures(_ratio(numerator, denominator), numerator, denominator, *counts)

    def why_unknown(self, cell: Cell) -> str | None:
        """Why there is no value though there are records; None where there is one."""
        sums = self.sums(cell)
        if not self._is_unknown(self.variants[cell.metric, cell.variant], sums, cell):
            return None
        records = sums.n_included + sums.n_excluded
        return f"of {sums.n_unknown:,} of its {records:,} records the value is not known"

    def restatement(self, cell: Cell) -> Restatement | None:
        """What was published of a cell before; None of all time, weeks and periods under way."""
        row = self.connection.execute(
            f"""select first_run_id, first_as_of, cast(first_value as double), first_n_included,
                {", ".join(f"cast({cause} as double)" for cause in CAUSES)}
            from marts.mart_restatements where {CELL}""",
            list(astuple(cell)),
        ).fetchone()
        return Restatement(*row) if row else None

    def factors(self, cell: Cell) -> Mapping[str, Cell]:
        """The numbers that a product is made of, by metric."""
        names = () if self.is_gone(cell) else self.variants[cell.metric, cell.variant].factors
        return {name: replace(cell, metric=name, variant="default") for name in names}

    def sums(self, cell: Cell) -> Sums:
        """What the members of a cell add up to."""
        condition, parameters = self._members(cell)
        row = self.connection.execute(
            f"""select {SUMS}
            from marts.kpi_members where {condition}""",
            parameters,
        ).fetchone()
        assert row is not None
        return Sums(*row)

    def members(
        self, cell: Cell, which: str, columns: str, limit: int | None = None
    ) -> list[tuple[Any, ...]]:
        """Members of a cell, those that add most first."""
        condition, parameters = self._members(cell)
        return self.connection.execute(
            f"""select {columns} from marts.kpi_members where {condition} and ({which})
            order by numerator desc nulls last, denominator desc nulls last, period_on, entity_id,
                entity_key, exclusion_reason
            {"" if limit is None else f"limit {limit}"}""",
            parameters,
        ).fetchall()

    def reasons(self, cell: Cell) -> list[tuple[str, int]]:
        """The reasons for which records are left out, and how many are for each."""
        condition, parameters = self._members(cell)
        return self.connection.execute(
            f"""select exclusion_reason, count(*) from marts.kpi_members
            where {condition} and {EXCLUDED} group by 1 order by 2 desc, 1""",
            parameters,
        ).fetchall()

    def _members(self, cell: Cell) -> tuple[str, list[object]]:
        """Which members count in a cell, as SQL: those of its cut and of its period.

        Of a metric, or by a cut, that was published once and is no more, there are none.
        """
        if cell.cut not in self.columns or self.is_gone(cell):
            return "false", []
        conditions = [
            "metric = ? and variant = ?",
            f"{quote(cell.cut)} = ?",
            f"contains(coalesce(counts_in, '{' '.join(GRAINS)}'), ?)",
        ]
        parameters: list[object] = [cell.metric, cell.variant, cell.key, cell.grain]
        period = self.counted(cell)
        if period.start is not None:
            conditions.append("period_on >= ? and period_on < ?")
            parameters += [period.start, period.end]
        return " and ".join(conditions), parameters

    def counted(self, cell: Cell) -> Cell:
        """The period whose members count in a cell: of a state of the end its last month."""
        is_of_an_end = self.variants[cell.metric, cell.variant].state == "end"
        return self._last_month(cell) if is_of_an_end and cell.grain != "week" else cell

    def _last_month(self, cell: Cell) -> Cell:
        """The last month of a period, or the present one: a state of the end is that one's."""
        months = [
            month
            for month in self._months[cell.metric, cell.variant]
            if cell.start is None or cell.end is None or cell.start <= month < cell.end
        ]
        return replace(cell, grain="month", start=max(months, default=cell.start))

    @cached_property
    def _months(self) -> Mapping[tuple[str, str], Sequence[dt.date]]:
        """The months that the company has numbers of: of a state of the end all until now."""
        rows = self.connection.execute(
            """select metric, variant, list(period_start order by period_start)
            from marts.kpi_values
            where period_grain = 'month' and dimension = 'company' group by 1, 2"""
        ).fetchall()
        return defaultdict(list, {(metric, variant): months for metric, variant, months in rows})

    def _is_unknown(self, variant: Variant, sums: Sums, cell: Cell) -> bool:
        """Whether what is not known is too much: it is not 0, and a part looks like the whole."""
        if variant.kind == "sum" and not sums.n_included and sums.n_unknown:
            return True
        if variant.state == "end":
            months = self._months[cell.metric, cell.variant]
            is_past = bool(sums.last_month and months and sums.last_month < months[-1])
        else:
            is_past = variant.state == "beginning"
        return is_past and sums.is_too_unknown

    def products(
        self, variant: Variant, factors: Sequence[Mapping[str, Figures | None]]
    ) -> list[tuple[float | None, float, float]]:
        """Value, numerator and denominator of products of other metrics: of these, in order."""
        part = f"struct(value double, numerator {NUMERIC}, denominator {NUMERIC})"
        names = [*variant.factors]
        columns = ", ".join(f"{quote(name)} {part}" for name in names)
        of = [
            {"place": i} | {name: _parts(each.get(name)) for name in names}
            for i, each in enumerate(factors)
        ]
        rows = self.connection.execute(
            f"""with factors as (
                select unnest(cast(? as struct(place bigint, {columns})[])) as it
            ),

            named as (
                select it.place, {", ".join(f"it.{quote(name)}" for name in names)} from factors
            ),

            parts as (
                select
                    place,
                    {_checked(variant.numerator_formula, dict.fromkeys(names))} as numerator,
                    {_checked(variant.denominator_formula, dict.fromkeys(names))} as denominator
                from named
            )

            select
                cast(numerator as double) / nullif(cast(denominator as double), 0),
                cast(if(denominator is null, 0, coalesce(numerator, 0)) as {NUMERIC}),
                cast(if(numerator is null, 0, coalesce(denominator, 0)) as {NUMERIC})
            from parts
            order by place""",
            [of],
        ).fetchall()
        return [(value, float(numerator), float(under)) for value, numerator, under in rows]


def _parts(figures: Figures | None) -> Mapping[str, float | None]:
    names = ("value", "numerator", "denominator")
    return {name: getattr(figures, name, None) for name in names}


def _checked(formula: str | None, factors: Mapping[str, object]) -> str:
    """A formula that computes with factors, and does nothing else; raises ExplainError."""
    unknown = set(FACTOR.findall(formula or "")) - factors.keys()
    if not formula or unknown or not ARITHMETIC.fullmatch(FACTOR.sub("", formula)):
        raise ExplainError(f"marts.kpi_variants: '{formula}' computes with more than its factors")
    return formula


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if denominator and numerator is not None else None


def _is_same(one: float | None, two: float | None) -> bool:
    if one is None or two is None:
        return one is two
    return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-6)
