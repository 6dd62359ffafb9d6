"""Numbers to be explained: some of every metric and variant, in all grains and cuts."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from dagster_project.numbers.cell import Cell
from dagster_project.numbers.receipts import Figures, Receipts
from tests.thorough import IS_THOROUGH


def some_of_each(connection: duckdb.DuckDBPyConnection) -> Mapping[Cell, Figures]:
    """Numbers of every cut of each variant; of every grain what leaves out most, and no value.

    The same for the same numbers.
    """
    rows = connection.execute(
        """with ranked as (
            select
                *,
                row_number() over (
                    partition by metric, variant, dimension
                    order by md5(concat_ws(' ', period_grain, period_start, dimension_key))
                ) as place_in_cut,
                row_number() over (
                    partition by metric, variant, period_grain
                    order by n_excluded desc, md5(concat_ws(' ', period_start, dimension_key))
                ) as place_by_left_out,
                row_number() over (
                    partition by metric, variant, period_grain, value is null
                    order by n_included + n_excluded desc, period_start, dimension_key
                ) as place_by_records
            from marts.kpi_values
        )
        select
            metric, variant, period_grain, period_start, dimension, dimension_key,
            value, cast(numerator as double), cast(denominator as double), n_included, n_excluded
        from ranked
        where place_in_cut <= ? or place_by_left_out = 1 or place_by_records = 1
        order by all""",
        [50 if IS_THOROUGH else 1],
    ).fetchall()
    return {Cell(*row[:6]): Figures(*row[6:]) for row in rows}


def disagreements(receipts: Receipts) -> list[str]:
    """The numbers, some of each, that the records do not come to."""
    found = []
    for cell, published in some_of_each(receipts.connection).items():
        retraced = receipts.retraced(cell)
        if not retraced or published.difference(retraced):
            found.append(f"{cell}: {published}, but {retraced}")
    return found
