"""Our numbers beside those of others and of our own past."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    GREY,
    INK,
    LOWER,
    RED,
    SKY,
    TALL,
    above,
    across,
    amount,
    finished,
    hidden,
    meaning,
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

HEADLINES = (
    *("win_rate", "revenue_won", "average_deal_size", "sales_cycle_days", "pipeline_created"),
    *("quota_attainment", "lead_response_hours", "customer_acquisition_cost", "mrr"),
)

BENCHMARKS = f"""
with
    comparable as (
        select
            *,
            row_number() over of_number as place,
            count(*) over whole as n_of_all,
            count(*) filter (where publisher <> 'own history') over whole as figures_of_others
        from marts.mart_benchmarks
        where is_comparable and own_value is not null and benchmark_value is not null
        window
            whole as (partition by metric, variant, period_grain, period_start),
            of_number as (
                partition by metric, variant, period_grain, period_start
                order by publisher = 'own history' desc, publisher, year, statistic, segment
            )
    )

select
    concat(
        replace(metric, '_', ' '),
        if(variant = 'default', '', concat(', ', replace(variant, '_', ' '))),
        ', last whole ',
        period_grain
    ) as metric_and_period,
    metric,
    unit,
    period_grain,
    period_start,
    concat(
        place,
        '. ',
        replace(publisher, 'own history', 'our own past'),
        ': ',
        statistic,
        if(year is null, '', concat(' ', year))
    ) as benchmark,
    publisher,
    statistic,
    year,
    segment,
    sample_size,
    own_value,
    own_low,
    own_high,
    own_n,
    benchmark_value,
    case
        when is_as_good then 'ours is as good' when not is_as_good then 'ours is not as good'
        else 'may be chance'
    end as verdict,
    evidence,
    source,
    n_of_all
from comparable
where place <= 12 and (
        figures_of_others > 0
        or metric in {HEADLINES} and variant = 'default' and period_grain = 'quarter'
    )
order by
    figures_of_others > 0 desc,
    metric,
    variant <> 'default',
    variant,
    list_position(['quarter', 'year', 'month'], period_grain),
    place
"""

VERDICTS = {"ours is as good": BLUE, "may be chance": GREY, "ours is not as good": RED}

FORMS = dict(zip(VERDICTS, ("circle", "diamond", "triangle-down"), strict=True))


def _benchmarks_chart(rows: Rows) -> Spec:
    import altair as alt

    unit, first = rows[0]["unit"], rows[0]
    base = rows_by_name(
        hidden("benchmark", unique([row["benchmark"] for row in rows]))
    ).transform_calculate(
        text=f"({amount('datum.benchmark_value', unit)}) + ' · ' + datum.verdict",
        furthest="max(datum.benchmark_value,"
        " isValid(datum.own_high) ? datum.own_high : datum.own_value)",
    )
    tooltip = [
        alt.Tooltip("benchmark:N", title="Beside"),
        alt.Tooltip("segment:N", title="Whom"),
        alt.Tooltip("sample_size:Q", title="How many", format=","),
        alt.Tooltip("source:N", title="Source"),
    ]
    layers = []
    if first["own_low"] is not None and first["own_high"] is not None:
        layers.append(
            base.mark_rule(color=SKY, strokeWidth=10, opacity=0.5, yOffset=LOWER).encode(
                across("own_low:Q", unit, right=170), alt.X2("own_high")
            )
        )
    layers.append(
        base.mark_tick(color=INK, thickness=3, height=18, opacity=1, yOffset=LOWER).encode(
            across("own_value:Q", unit, right=170)
        )
    )
    layers.append(
        base.mark_point(filled=True, size=90, opacity=1, yOffset=LOWER).encode(
            across("benchmark_value:Q", unit, right=170),
            meaning("verdict", VERDICTS),
            shapes("verdict", FORMS),
            tooltip=tooltip,
        )
    )
    layers.append(
        base.mark_text(align="left", dx=9, yOffset=LOWER).encode(
            across("furthest:Q", unit, right=170), alt.Text("text:N")
        )
    )
    return finished(above(base, "benchmark"), *layers, band=TALL)


def _benchmarks_says(rows: Rows) -> Sentence:
    first = rows[0]
    good = sum(row["verdict"] == "ours is as good" for row in rows)
    bad = sum(row["verdict"] == "ours is not as good" for row in rows)
    parts: list[str | Figure] = [
        Figure(first["period_start"], "period", first["period_grain"]),
        ": ours is ",
        Figure(first["own_value"], "unit", first["unit"]),
    ]
    if first["own_low"] is not None:
        parts += [
            " (",
            Figure(first["own_low"], "unit", first["unit"]),
            " to ",
            Figure(first["own_high"], "unit", first["unit"]),
            ")",
        ]
    return (
        *parts,
        "; of ",
        Figure(len(rows), "count"),
        " figures it is as good as ",
        Figure(good, "count"),
        " and not as good as ",
        Figure(bad, "count"),
        f"{'; the rest may be chance' if good + bad < len(rows) else ''}.",
    )


BENCHMARKS_BOARD = SpecialBoard(
    page="trust",
    key="benchmarks",
    title="Beside others and beside our own past",
    note=(
        "Figures of the same definition only. The upright mark is our number, the band its "
        "interval (95%). A figure outside it is worth a question: others sell other things to "
        "other people."
    ),
    query=BENCHMARKS,
    table="mart_benchmarks",
    sample=Sample("own_n", "own records"),
    choice=Column("metric_and_period", "Metric"),
    columns=(
        Column("benchmark", "Beside"),
        Column("benchmark_value", "Their figure", "unit", by="unit"),
        Column("own_value", "Ours", "unit", by="unit"),
        Column("own_low", "Lower bound", "unit", by="unit"),
        Column("own_high", "Upper bound", "unit", by="unit"),
        Column("own_n", "Our records", "count"),
        Column("verdict", "Verdict"),
        Column("segment", "Whom the figure is of"),
        Column("sample_size", "How many", "count"),
        Column("source", "Source"),
        Column("evidence", "Evidence"),
    ),
    chart=_benchmarks_chart,
    says=_benchmarks_says,
    empty=("No figure can be compared with ours: too few records, or none of the same definition."),
    top=12,
    things="figures",
)
