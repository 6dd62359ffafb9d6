"""How deals go from stage to stage."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    SKY,
    across,
    finished,
    meaning,
    names,
    rows_by_name,
    share,
    unique,
)
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Rows,
    Sample,
    Sentence,
    Spec,
    SpecialBoard,
)
from dagster_project.dashboard.special.sql import THIS_PERIOD, WILSON

FUNNEL = f"""
with
    {THIS_PERIOD},

    places as (
        select
            coalesce(stage_label, '(none)') as dimension_key,
            min(pipeline) as pipeline,
            min(stage_order) as stage_order
        from marts.fct_stage_visits
        group by all
    ),

    told as (
        select *
        from marts.kpi_values
        where
            metric = 'stage_conversion_rate'
            and variant = 'default'
            and dimension = 'stage'
            and period_grain in ('all', 'year', 'quarter')
    ),

    last_whole as (
        select told.period_grain, max(told.period_start) as period_start
        from told
        inner join this_period using (period_grain)
        where told.period_start < this_period.period_start
        group by told.period_grain
    ),

    shown as (
        select told.*
        from told
        left join last_whole using (period_grain)
        where told.period_grain = 'all' or told.period_start = last_whole.period_start
    ),

    won as (
        select dimension_key, period_grain, period_start, value as won_rate
        from marts.kpi_values
        where metric = 'stage_conversion_rate' and variant = 'to_won' and dimension = 'stage'
    ),

    final as (
        select
            case
                when shown.period_grain = 'all' then 'all time'
                else concat('last whole ', shown.period_grain)
            end as period,
            shown.period_grain,
            shown.period_start,
            shown.dimension_key as stage,
            places.pipeline,
            places.stage_order,
            cast(shown.denominator as bigint) as entered,
            cast(shown.numerator as bigint) as passed,
            shown.value as rate,
            {WILSON.format(part="shown.numerator", whole="shown.denominator", name="rate")},
            won.won_rate,
            shown.n_excluded
        from shown
        left join places on shown.dimension_key = places.dimension_key
        left join
            won
            on shown.dimension_key = won.dimension_key
            and shown.period_grain = won.period_grain
            and shown.period_start is not distinct from won.period_start
    )

select *
from final
order by
    list_position(['year', 'quarter', 'all'], period_grain),
    pipeline nulls first,
    stage_order nulls last,
    stage
"""


def _funnel_chart(rows: Rows) -> Spec:
    import altair as alt

    text = (
        "format(datum.entered, ',') + ' in · ' + (" + share("datum.rate") + ") + ' go on'"
        " + (isValid(datum.rate_low) ? ' (' + format(100 * datum.rate_low, '.0f') + '–'"
        " + format(datum.rate_high, '.0%') + ')' : '')"
    )
    base = rows_by_name(names("stage", unique([row["stage"] for row in rows]))).transform_calculate(
        text=text, entered_part="'came in'", passed_part="'went on or were won'"
    )
    parts = {"came in": SKY, "went on or were won": BLUE}
    tooltip = [
        alt.Tooltip("stage:N", title="Stage"),
        alt.Tooltip("entered:Q", title="Came in", format=","),
        alt.Tooltip("passed:Q", title="Went on or were won", format=","),
        alt.Tooltip("rate:Q", title="Share that went on", format=".1%"),
        alt.Tooltip("won_rate:Q", title="Share that was won", format=".1%"),
    ]
    entered = base.mark_bar(height=20).encode(
        across("entered:Q", "deals", right=180),
        meaning("entered_part", parts, columns=2),
        tooltip=tooltip,
    )
    passed = (
        base.transform_filter("isValid(datum.passed)")
        .mark_bar(height=10)
        .encode(
            across("passed:Q", "deals", right=180),
            meaning("passed_part", parts, columns=2),
            tooltip=tooltip,
        )
    )
    words = base.mark_text(align="left", dx=6).encode(
        across("entered:Q", "deals", right=180), alt.Text("text:N")
    )
    return finished(entered, passed, words)


def _funnel_says(rows: Rows) -> Sentence:
    judged = [row for row in rows if row["rate"] is not None and row["entered"] >= 10]
    if not judged:
        return ("No stage was entered by ten deals: too few to say where they are lost.",)
    worst = min(judged, key=lambda row: (row["rate"], row["stage"]))
    first = rows[0]
    period = (
        Figure(first["period_start"], "period", first["period_grain"])
        if first["period_start"]
        else "All time"
    )
    return (
        period,
        ": the stage that loses the most is ",
        Figure(worst["stage"], "text"),
        ": of ",
        Figure(worst["entered"], "count"),
        " deals that came in, ",
        Figure(worst["rate"], "ratio"),
        " went on.",
    )


FUNNEL_BOARD = SpecialBoard(
    page="velocity",
    key="stage_funnel",
    title="How deals go from stage to stage",
    note=(
        "Deals that came into a stage in the period and, by now, went to a higher one or were "
        "won. Deals still there may yet go on: young periods look worse than they will be."
    ),
    query=FUNNEL,
    table="fct_stage_visits",
    sample=Sample("entered", "deals that came in"),
    definition=(
        "stage_conversion_rate: deals that entered the stage in the period and later reached "
        "any higher stage or won / deals that entered the stage in the period; a skipped stage "
        "counts as entered and passed. The interval is Wilson's (95%)."
    ),
    choice=Column("period", "Period"),
    columns=(
        Column("period_start", "Period", "period", by="period_grain"),
        Column("pipeline", "Pipeline"),
        Column("stage", "Stage"),
        Column("entered", "Came in", "count"),
        Column("passed", "Went on", "count"),
        Column("rate", "Share that went on", "ratio"),
        Column("rate_low", "Lower bound", "ratio"),
        Column("rate_high", "Upper bound", "ratio"),
        Column("won_rate", "Share that was won", "ratio"),
        Column("n_excluded", "Left out", "count"),
    ),
    chart=_funnel_chart,
    says=_funnel_says,
    empty="No deal came into a stage that the sources tell of.",
)
