"""Where deals stall or drop."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    GREY,
    INK,
    LOWER,
    RED,
    TALL,
    above,
    across,
    finished,
    hidden,
    meaning,
    money,
    rows_by_name,
    shapes,
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
from dagster_project.dashboard.special.sql import THIS_PERIOD

VERDICTS = {"worse than usual": RED, "no worse than usual": BLUE, "too few to say": GREY}

SHAPES = {
    "worse than usual": "triangle-up",
    "no worse than usual": "circle",
    "too few to say": "cross",
}

MEASURES = (
    ("length of visits", "days", "median_days", "is_slow", "stays_ended"),
    ("visits that stall", "ratio", "stalled_share", "is_stalling", "stays_due"),
    ("visits that end in a loss", "ratio", "drop_rate", "is_dropping", "stays_ended"),
)

BOTTLENECKS = f"""
with
    {THIS_PERIOD},

    shown as (
        select *
        from marts.mart_bottlenecks
        where
            period_grain = 'quarter'
            and team = 'all'
            and period_start = (
                select max(bottlenecks.period_start)
                from marts.mart_bottlenecks as bottlenecks
                inner join this_period using (period_grain)
                where
                    bottlenecks.period_grain = 'quarter'
                    and bottlenecks.period_start < this_period.period_start
            )
    ),

    measured as (
        {
    " union all ".join(
        f'''select
                {place} as place,
                '{measure}' as measure,
                '{unit}' as unit,
                {name} as value,
                {name}_low as low,
                {name}_high as high,
                usual_{name} as usual,
                {verdict} as is_worse,
                {sample} as sample,
                *
            from shown'''
        for place, (measure, unit, name, verdict, sample) in enumerate(MEASURES)
    )
}
    )

select
    measure,
    unit,
    period_grain,
    period_start,
    stage,
    pipeline,
    if(count(distinct pipeline) over () > 1, concat(stage, ' · ', pipeline), stage) as label,
    value,
    low,
    high,
    usual,
    case
        when is_worse then 'worse than usual'
        when not is_worse then 'no worse than usual'
        else 'too few to say'
    end as verdict,
    sample,
    money_held_up,
    bottleneck_since
from measured
order by place, pipeline, stage_order nulls last, stage
"""


def _bottlenecks_chart(rows: Rows) -> Spec:
    import altair as alt

    unit = rows[0]["unit"]
    number = "{} === null ? 'none ended' : " + (
        "format({}, '.0%')" if unit == "ratio" else "format({}, '.1f') + ' days'"
    )
    value = number.format("datum.value", "datum.value")
    usual = (
        "isValid(datum.usual) ? ' · usually ' + "
        + ("format(datum.usual, '.0%')" if unit == "ratio" else "format(datum.usual, '.1f')")
        + " : ''"
    )
    base = rows_by_name(
        hidden("label", unique([row["label"] for row in rows]))
    ).transform_calculate(
        text=f"({value}) + ({usual})",
        usual_words="'usual'",
        furthest="max(isValid(datum.high) ? datum.high : 0, isValid(datum.value) ? datum.value : 0,"
        " isValid(datum.usual) ? datum.usual : 0)",
    )
    tooltip = [
        alt.Tooltip("label:N", title="Stage"),
        alt.Tooltip(
            "value:Q", title=rows[0]["measure"], format=".1%" if unit == "ratio" else ",.1f"
        ),
        alt.Tooltip("low:Q", title="Lower bound", format=".1%" if unit == "ratio" else ",.1f"),
        alt.Tooltip("high:Q", title="Upper bound", format=".1%" if unit == "ratio" else ",.1f"),
        alt.Tooltip("usual:Q", title="Year before", format=".1%" if unit == "ratio" else ",.1f"),
        alt.Tooltip("sample:Q", title="Visits", format=","),
        alt.Tooltip("verdict:N", title="Verdict"),
    ]
    shown = VERDICTS
    interval = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(yOffset=LOWER, strokeWidth=3, opacity=0.75)
        .encode(across("low:Q", unit, right=150), alt.X2("high"), meaning("verdict", shown))
    )
    before = (
        base.transform_filter("isValid(datum.usual)")
        .mark_tick(color=INK, yOffset=LOWER, thickness=2, height=20, opacity=1)
        .encode(across("usual:Q", unit, right=150), tooltip=tooltip)
    )
    points = (
        base.transform_filter("isValid(datum.value)")
        .mark_point(yOffset=LOWER, size=90, filled=True, opacity=1)
        .encode(
            across("value:Q", unit, right=150),
            meaning("verdict", shown),
            shapes("verdict", SHAPES),
            tooltip=tooltip,
        )
    )
    words = base.mark_text(yOffset=LOWER, align="left", dx=8).encode(
        across("furthest:Q", unit, right=150), alt.Text("text:N")
    )
    return finished(above(base, "label"), interval, before, points, words, band=TALL)


def _bottlenecks_says(rows: Rows) -> Sentence:
    worse = [row for row in rows if row["verdict"] == "worse than usual"]
    judged = [row for row in rows if row["verdict"] != "too few to say"]
    first = rows[0]
    period = Figure(first["period_start"], "period", first["period_grain"])
    if not judged:
        return (period, ": too few visits to say anything of any stage.")
    if not worse:
        return (
            period,
            ": of ",
            Figure(len(judged), "count"),
            " stages judged none is worse than usual.",
        )
    held = max(worse, key=lambda row: row["money_held_up"] or 0)
    return (
        period,
        ": worse than usual in ",
        Figure(len(worse), "count"),
        " of ",
        Figure(len(judged), "count"),
        " stages judged; most money is held up in ",
        Figure(held["label"], "text"),
        ": ",
        Figure(held["money_held_up"], "money"),
        ".",
    )


BOTTLENECKS_BOARD = SpecialBoard(
    page="velocity",
    key="bottlenecks",
    title="Where deals stall or drop",
    note=(
        "Each stage in the last whole quarter, with its interval (95%), beside the usual of the"
        " year before (the upright mark). Only a verdict says that a stage is worse, not a "
        "distance."
    ),
    query=BOTTLENECKS,
    table="mart_bottlenecks",
    sample=Sample("sample", "visits"),
    choice=Column("measure", "Measure"),
    columns=(
        Column("period_start", "Quarter", "period", by="period_grain"),
        Column("label", "Stage"),
        Column("value", "Measured", "unit", by="unit"),
        Column("low", "Lower bound", "unit", by="unit"),
        Column("high", "Upper bound", "unit", by="unit"),
        Column("usual", "Year before", "unit", by="unit"),
        Column("sample", "Visits", "count"),
        Column("verdict", "Verdict"),
        Column("bottleneck_since", "Bottleneck since", "date"),
        Column("money_held_up", "Money held up", "money"),
    ),
    chart=_bottlenecks_chart,
    says=_bottlenecks_says,
    empty=(
        "No quarter that has ended has a history of stages: nobody knows how long deals stayed "
        "where."
    ),
)

HELD_UP = f"""
with
    {THIS_PERIOD},

    last_whole as (
        select bottlenecks.period_grain, max(bottlenecks.period_start) as period_start
        from marts.mart_bottlenecks as bottlenecks
        inner join this_period using (period_grain)
        where bottlenecks.period_start < this_period.period_start
        group by bottlenecks.period_grain
    ),

    final as (
        select
            *,
            count(*) over (partition by period_grain) as n_of_all,
            row_number() over (
                partition by period_grain
                order by money_held_up desc nulls last, bottleneck_since, team, stage
            ) as place
        from marts.mart_bottlenecks
        inner join last_whole using (period_grain, period_start)
        where is_bottleneck
    )

select
    concat('last whole ', period_grain) as period,
    period_grain,
    period_start,
    concat(
        stage,
        ' · ',
        case team when 'all' then 'the company' when '(none)' then 'no team' else team end
    ) as label,
    pipeline,
    concat_ws(
        ', ',
        if(is_slow, 'slow', null),
        if(is_stalling, 'stalling', null),
        if(is_dropping, 'dropping', null)
    ) as signs,
    money_held_up,
    money_open,
    money_dropped,
    n_without_rate,
    bottleneck_since,
    n_of_all
from final
where place <= 12
order by list_position(['quarter', 'month'], period_grain), place
"""


def _held_up_chart(rows: Rows) -> Spec:
    import altair as alt

    base = rows_by_name(
        hidden("label", unique([row["label"] for row in rows]))
    ).transform_calculate(
        text="(" + money("datum.money_held_up") + ") + ' · ' + datum.signs",
        at="isValid(datum.money_held_up) ? datum.money_held_up : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.money_held_up)")
        .mark_bar(yOffset=LOWER, height=16, color=RED)
        .encode(
            across("money_held_up:Q", "money", right=170),
            tooltip=[
                alt.Tooltip("label:N", title="Where"),
                alt.Tooltip("signs:N", title="What"),
                alt.Tooltip("money_held_up:Q", title="Held up", format="$,.0f"),
                alt.Tooltip("bottleneck_since:N", title="Since"),
            ],
        )
    )
    words = base.mark_text(yOffset=LOWER, align="left", dx=6, limit=165).encode(
        across("at:Q", "money", right=170), alt.Text("text:N")
    )
    return finished(above(base, "label"), bars, words, band=TALL)


def _held_up_says(rows: Rows) -> Sentence:
    first = rows[0]
    return (
        Figure(first["period_start"], "period", first["period_grain"]),
        ": most is held up in ",
        Figure(first["label"], "text"),
        f" ({first['signs']}): ",
        Figure(first["money_held_up"], "money"),
        ".",
    )


HELD_UP_BOARD = SpecialBoard(
    page="velocity",
    key="held_up",
    title="Bottlenecks by money held up",
    note=(
        "Stages of the company and of teams that are worse than in the year before. The "
        "company's rows hold those of its teams: do not add them up."
    ),
    query=HELD_UP,
    table="mart_bottlenecks",
    choice=Column("period", "Period"),
    columns=(
        Column("period_start", "Period", "period", by="period_grain"),
        Column("label", "Where"),
        Column("pipeline", "Pipeline"),
        Column("signs", "What"),
        Column("money_held_up", "Held up", "money"),
        Column("money_open", "Open", "money"),
        Column("money_dropped", "Dropped", "money"),
        Column("n_without_rate", "Amounts without a rate", "count"),
        Column("bottleneck_since", "Since", "date"),
    ),
    chart=_held_up_chart,
    says=_held_up_says,
    empty=(
        "No stage was a bottleneck in the last month or quarter that has ended, as far as there"
        " were enough visits to say."
    ),
    top=12,
    things="bottlenecks",
)
