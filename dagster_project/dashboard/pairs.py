"""Numbers by two cuts at once, from the published members: as receipts compute those of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dagster_project.numbers.cell import GRAINS, Cell
from dagster_project.numbers.receipts import SUMS, Figures, Receipts, Sums
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb

JOINED = "\x1f"
"""Between the two keys of a pair."""
BUCKETS = {"month": ("month", "quarter", "year"), "week": ("week",)}
"""By what the days of members are found in the periods of which grains."""


def pair_figures(
    connection: duckdb.DuckDBPyConnection,
    cuts: tuple[str, str],
    periods: Iterable[Cell],
    top: int,
) -> tuple[Mapping[Cell, Figures], Sequence[tuple[str, str]], int]:
    """The numbers by a pair of cuts, of the `top` pairs with most records.

    `periods` are cells of the whole company: the metrics and periods wanted. Also the pairs in
    their order, and how many more there are. Uses temporary tables of the connection.
    """
    receipts = Receipts(connection)
    cells = [cell for cell in periods if (cell.metric, cell.variant) in receipts.variants]
    if not cells or not set(receipts.columns).issuperset(cuts):
        return {}, [], 0
    factors = [it for cell in cells for it in receipts.factors(cell).values()]
    _tell_periods(connection, receipts, dict.fromkeys([*cells, *factors]))
    _tell_members(connection, cuts)
    keys, more = _keys(connection, {(cell.metric, cell.variant) for cell in cells}, top)
    sums = _sums(connection, " × ".join(cuts), keys)
    figures = {
        cell: receipts.figures(cell, of)
        for cell, of in sums.items()
        if receipts.variants[cell.metric, cell.variant].kind != "product"
    }
    figures |= _products(receipts, sums, figures)
    wanted = {(cell.metric, cell.variant) for cell in cells}
    pairs = [(first, second) for first, _, second in (key.partition(JOINED) for key in keys)]
    return {it: of for it, of in figures.items() if (it.metric, it.variant) in wanted}, pairs, more


def _tell_periods(
    connection: duckdb.DuckDBPyConnection, receipts: Receipts, cells: Iterable[Cell]
) -> None:
    """The table `counted`: the months, or the week, whose members count in each cell."""
    rows = []
    for cell in cells:
        counted = receipts.counted(cell)
        bucket, end = counted.start, counted.end
        while bucket is not None and end is not None and bucket < end:
            rows.append((cell.metric, cell.variant, cell.grain, cell.start, bucket))
            is_week = cell.grain == "week"
            bucket = end if is_week else Cell("", grain="month", start=bucket).end
    connection.execute(
        """create or replace temp table counted
        (metric varchar, variant varchar, grain varchar, start date, bucket date)"""
    )
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 5
    connection.execute(
        "insert into counted select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)", columns
    )


def _tell_members(connection: duckdb.DuckDBPyConnection, cuts: tuple[str, str]) -> None:
    """The table `pair_members`: the members that count by both cuts."""
    first, second = map(quote, cuts)
    connection.execute(
        f"""create or replace temp table pair_members as
        select
            metric,
            variant,
            {first} || chr(31) || {second} as pair,
            date_trunc('month', period_on) as month,
            date_trunc('week', period_on) as week,
            coalesce(counts_in, '{" ".join(GRAINS)}') as counts_in,
            period_on,
            side,
            numerator,
            denominator,
            exclusion_reason
        from marts.kpi_members semi join counted using (metric, variant)
        where {first} is not null and {second} is not null and period_on is not null"""
    )


def _keys(
    connection: duckdb.DuckDBPyConnection, wanted: Iterable[tuple[str, str]], top: int
) -> tuple[list[str], int]:
    """The pairs with most records of the wanted metrics, and how many more there are."""
    names = [f"{metric} {variant}" for metric, variant in wanted]
    ranked = connection.execute(
        """select pair from pair_members
        where list_contains(?, metric || ' ' || variant)
        group by pair
        order by count(*) filter (side is null and exclusion_reason is null) desc, pair""",
        [names],
    ).fetchall()
    return [key for (key,) in ranked[:top]], max(len(ranked) - top, 0)


def _sums(connection: duckdb.DuckDBPyConnection, cut: str, keys: Sequence[str]) -> dict[Cell, Sums]:
    """What the members of each cell add up to, where there are any."""
    found: dict[Cell, Sums] = {}
    for bucket, grains in BUCKETS.items():
        rows = connection.execute(
            f"""select counted.metric, counted.variant, grain, start, pair, {SUMS}
            from pair_members
            inner join counted
                on pair_members.metric = counted.metric
                and pair_members.variant = counted.variant
                and pair_members.{bucket} = counted.bucket
            where
                list_contains(?, grain)
                and contains(counts_in, grain)
                and list_contains(?, pair)
            group by all""",
            [list(grains), list(keys)],
        ).fetchall()
        for metric, variant, grain, start, pair, *sums in rows:
            found[Cell(metric, variant, grain, start, cut, pair)] = Sums(*sums)
    return found


def _products(
    receipts: Receipts, sums: Mapping[Cell, Sums], figures: Mapping[Cell, Figures]
) -> dict[Cell, Figures]:
    """The cells of products of other metrics."""
    by_variant: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in sums.keys() - figures.keys():
        by_variant[cell.metric, cell.variant].append(cell)
    found: dict[Cell, Figures] = {}
    for name, cells in by_variant.items():
        variant = receipts.variants[name]
        of = [
            {it: figures.get(replace(cell, metric=it, variant="default")) for it in variant.factors}
            for cell in cells
        ]
        for cell, product in zip(cells, receipts.products(variant, of), strict=True):
            found[cell] = Figures(*product, sums[cell].n_included, sums[cell].n_excluded)
    return found
