"""Numbers that have changed since they were published."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    AMBER,
    BLUE,
    GREEN,
    INK,
    RED,
    across,
    amount,
    finished,
    meaning,
    names,
    period,
    rows_by_name,
)
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Rows,
    Sentence,
    Spec,
    SpecialBoard,
)

CAUSES = {
    "came late": BLUE,
    "corrected": AMBER,
    "defined otherwise": RED,
    "happened since": GREEN,
}

RESTATEMENTS = """
with
    restated as (
        select *
        from marts.mart_restatements
        where
            dimension = 'company'
            and variant = 'default'
            and period_grain = 'month'
            and difference <> 0
    ),

    placed as (
        select
            *,
            count(*) over (partition by metric) as periods,
            row_number() over (partition by metric order by period_start desc) as months_back
        from restated
    ),

    told as (
        select *
        from placed unpivot include nulls (
            difference_by_cause
            for cause in (late_facts, corrections, definition_change, later_events)
        )
        where months_back <= 12
    )

select
    concat(replace(metric, '_', ' '), ' (', periods, ')') as metric_and_periods,
    metric,
    unit,
    period_grain,
    period_start,
    first_value,
    value,
    difference,
    case cause
        when 'late_facts' then 'came late'
        when 'corrections' then 'corrected'
        when 'definition_change' then 'defined otherwise'
        else 'happened since'
    end as cause,
    difference_by_cause,
    first_as_of,
    4 * periods as n_of_all
from told
order by
    periods desc,
    metric,
    period_start,
    list_position(['late_facts', 'corrections', 'definition_change', 'later_events'], told.cause)
"""


def _restatements_chart(rows: Rows) -> Spec:
    import altair as alt

    unit = rows[0]["unit"]
    base = rows_by_name(names("period_start", None, period("datum.value", "month")))
    bars = (
        base.transform_filter(
            "isValid(datum.difference_by_cause) && datum.difference_by_cause !== 0"
        )
        .mark_bar(height=16)
        .encode(
            across("sum(difference_by_cause):Q", unit, right=190),
            meaning("cause", CAUSES, columns=2),
            tooltip=[
                alt.Tooltip("cause:N", title="Cause"),
                alt.Tooltip("difference_by_cause:Q", title="Makes", format="+,.4~f"),
                alt.Tooltip("first_value:Q", title="First published", format=",.4~f"),
                alt.Tooltip("value:Q", title="Now", format=",.4~f"),
            ],
        )
    )
    one = base.transform_aggregate(
        difference="min(difference)",
        value="min(value)",
        first_value="min(first_value)",
        up="sum(raised)",
        missing="sum(is_missing)",
        groupby=["period_start"],
    )
    one.transform = [
        alt.CalculateTransform(
            calculate="isValid(datum.difference_by_cause) ? max(datum.difference_by_cause, 0) : 0",
            **{"as": "raised"},
        ),
        alt.CalculateTransform(
            calculate="isValid(datum.difference_by_cause) ? 0 : 1", **{"as": "is_missing"}
        ),
        *one.transform,
    ]
    words = (
        one.transform_calculate(
            text=f"({amount('datum.first_value', unit)}) + ' → ' + ({amount('datum.value', unit)})"
            " + (datum.missing > 0 ? ' · why, is not known' : '')",
            at="max(datum.up, datum.difference, 0)",
        )
        .mark_text(align="left", dx=8)
        .encode(across("at:Q", unit, right=190), alt.Text("text:N"))
    )
    total = one.mark_tick(color=INK, thickness=3, height=24, opacity=1).encode(
        across("difference:Q", unit, right=190)
    )
    return finished(bars, total, words)


def _restatements_says(rows: Rows) -> Sentence:
    most = max(rows, key=lambda row: abs(row["difference"] or 0))
    return (
        Figure(most["period_start"], "period", most["period_grain"]),
        f": {most['metric'].replace('_', ' ')} was first published as ",
        Figure(most["first_value"], "unit", most["unit"]),
        " and is now ",
        Figure(most["value"], "unit", most["unit"]),
        "; no other month of it changed more.",
    )


RESTATEMENTS_BOARD = SpecialBoard(
    page="trust",
    key="restatements",
    title="Numbers that have changed since they were published",
    note=(
        "By how much a month's number is another than in the first publication after its end, "
        "and why. The upright mark is the whole difference; the causes add up to it."
    ),
    query=RESTATEMENTS,
    table="mart_restatements",
    choice=Column("metric_and_periods", "Metric (months restated)"),
    columns=(
        Column("period_start", "Month", "period", by="period_grain"),
        Column("first_value", "First published", "unit", by="unit"),
        Column("value", "Now", "unit", by="unit"),
        Column("difference", "Difference", "unit", by="unit"),
        Column("cause", "Cause"),
        Column("difference_by_cause", "Of it", "unit", by="unit"),
        Column("first_as_of", "First as of (UTC)", "moment"),
    ),
    chart=_restatements_chart,
    says=_restatements_says,
    empty=(
        "No monthly number of the whole company is another now than when it was first published."
    ),
    instead=(
        """select 1
        where not exists (select 1 from marts.mart_restatements where first_run_id <> run_id)""",
        "No month has been published before: nothing can have changed yet.",
    ),
    top=48,
    things="rows of earlier months",
)
