"""Boards of the page on trust: what was restated, left out, defined otherwise, and by others."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    RED,
    SKY,
    across,
    amount,
    finished,
    meaning,
    names,
    period,
    rows_by_name,
    unique,
)
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Rows,
    Sentence,
    Spec,
    SpecialBoard,
)
from dagster_project.dashboard.special.periods import THIS_PERIOD

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
            difference_by_cause for cause in (late_facts, corrections, definition_change, later_events)
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
            across("sum(difference_by_cause):Q", unit, right=150),
            meaning("cause", CAUSES, columns=4),
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
        groupby=["period_start"],
    )
    one.transform = [
        alt.CalculateTransform(
            calculate="isValid(datum.difference_by_cause) ? max(datum.difference_by_cause, 0) : 0",
            **{"as": "raised"},
        ),
        *one.transform,
    ]
    words = (
        one.transform_calculate(
            text=f"({amount('datum.first_value', unit)}) + ' → ' + ({amount('datum.value', unit)})",
            at="max(datum.up, datum.difference, 0)",
        )
        .mark_text(align="left", dx=8)
        .encode(across("at:Q", unit, right=150), text="text:N")
    )
    total = one.mark_tick(thickness=3, height=24, opacity=1).encode(
        across("difference:Q", unit, right=150)
    )
    return finished(bars + total + words)


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
    note="By how much a month's number is another than in the first publication after its end, and why. The "
    "upright mark is the whole difference; the causes add up to it.",
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
    empty="No monthly number of the whole company is another now than when it was first published.",
    top=48,
    things="rows of earlier months",
)

EXCLUSIONS = """
with
    left_out as (
        select reason, metric, variant, count(distinct (entity, entity_key)) as records
        from marts.kpi_exclusions
        where variant = 'default'
        group by all
    ),

    populations as (
        select metric, variant, n_included, n_excluded
        from marts.kpi_values
        where dimension = 'company' and period_grain = 'all'
    ),

    placed as (
        select
            left_out.*,
            populations.n_included,
            populations.n_excluded,
            max(left_out.records) over (partition by reason) as most,
            count(*) over (partition by reason) as n_of_all,
            row_number() over (partition by reason order by left_out.records desc, metric) as place
        from left_out
        left join populations using (metric, variant)
    )

select
    replace(reason, '_', ' ') as why,
    replace(metric, '_', ' ') as metric,
    records,
    n_included,
    n_excluded,
    n_of_all
from placed
where place <= 15
order by most desc, reason, place
"""


def _exclusions_chart(rows: Rows) -> Spec:
    import altair as alt

    base = rows_by_name(
        names("metric", unique([row["metric"] for row in rows]))
    ).transform_calculate(
        text="format(datum.records, ',')"
        " + (isValid(datum.n_included) ? ' · ' + format(datum.n_included, ',') + ' counted' : '')"
    )
    bars = base.mark_bar(height=16, color=AMBER).encode(
        across("records:Q", "count", right=140),
        tooltip=[
            alt.Tooltip("metric:N", title="Metric"),
            alt.Tooltip("records:Q", title="Left out", format=","),
            alt.Tooltip("n_included:Q", title="Counted (all time)", format=","),
        ],
    )
    words = base.mark_text(align="left", dx=6).encode(
        across("records:Q", "count", right=140), text="text:N"
    )
    return finished(bars + words)


def _exclusions_says(rows: Rows) -> Sentence:
    first = rows[0]
    return (
        f"For “{first['why']}”, {first['metric']} leaves out most: ",
        Figure(first["records"], "count"),
        " records.",
    )


EXCLUSIONS_BOARD = SpecialBoard(
    page="trust",
    key="exclusions",
    title="What the numbers leave out",
    note="The records that each metric leaves out for the chosen reason, in all periods. A record may be left "
    "out of several metrics and for several reasons: do not add them up.",
    query=EXCLUSIONS,
    table="kpi_exclusions",
    choice=Column("why", "Reason"),
    columns=(
        Column("metric", "Metric"),
        Column("why", "Reason"),
        Column("records", "Records left out", "count"),
        Column("n_included", "Counted, all time", "count"),
        Column("n_excluded", "Left out, all time, for any reason", "count"),
    ),
    chart=_exclusions_chart,
    says=_exclusions_says,
    empty="No metric leaves out any record.",
    top=15,
    things="metrics",
)

DEFINITIONS = f"""
with
    {THIS_PERIOD},

    last_whole as (
        select max(compared.period_start) as period_start
        from marts.mart_definitions_compared as compared
        inner join this_period using (period_grain)
        where compared.period_grain = 'quarter' and compared.period_start < this_period.period_start
    ),

    -- Several may use one definition.
    shown as (
        select
            metric,
            variant,
            unit,
            period_grain,
            period_start,
            formula,
            value,
            difference_from_default,
            n_included,
            n_excluded,
            string_agg(used_by, '; ' order by used_by) as used_by,
            string_agg(source_title, '; ' order by used_by) as source_title,
            string_agg(distinct why_it_differs, '; ') as why_it_differs
        from marts.mart_definitions_compared
        where
            dimension = 'company'
            and (
                period_grain = 'all'
                or period_grain = 'quarter' and period_start = (select period_start from last_whole)
            )
        group by all
    )

select
    *,
    concat(
        replace(metric, '_', ' '), ', ', if(period_grain = 'all', 'all time', 'last whole quarter')
    ) as metric_and_period,
    if(variant = 'default', 'default (ours)', replace(variant, '_', ' ')) as definition
from shown
order by
    list_position(['win_rate', 'sales_cycle_days', 'stage_conversion_rate', 'pipeline_coverage'], metric),
    metric,
    period_grain desc,
    variant <> 'default',
    variant
"""


def _definitions_chart(rows: Rows) -> Spec:
    import altair as alt

    unit = rows[0]["unit"]
    base = rows_by_name(
        names("definition", unique([row["definition"] for row in rows]))
    ).transform_calculate(
        text=f"({amount('datum.value', unit)})"
        " + (isValid(datum.used_by) ? ' · ' + datum.used_by : '')",
        at="isValid(datum.value) ? max(datum.value, 0) : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.value)")
        .mark_bar(height=16)
        .encode(
            across("value:Q", unit, right=230),
            color=alt.condition(
                "datum.definition === 'default (ours)'", alt.value(BLUE), alt.value(SKY)
            ),
            tooltip=[
                alt.Tooltip("definition:N", title="Definition"),
                alt.Tooltip("formula:N", title="Formula"),
                alt.Tooltip("why_it_differs:N", title="Why it differs"),
            ],
        )
    )
    words = base.mark_text(align="left", dx=6, limit=225).encode(
        across("at:Q", unit, right=230), text="text:N"
    )
    return finished(bars + words)


def _definitions_says(rows: Rows) -> Sentence:
    known = [row for row in rows if row["value"] is not None]
    name = rows[0]["metric"].replace("_", " ")
    if len(known) < 2:
        return (f"There are too few numbers to set the definitions of {name} side by side.",)
    low, high = min(known, key=lambda row: row["value"]), max(known, key=lambda row: row["value"])
    return (
        f"On the same deals, {name} is between ",
        Figure(low["value"], "unit", low["unit"]),
        f" ({low['definition']}) and ",
        Figure(high["value"], "unit", high["unit"]),
        f" ({high['definition']}), by its definition.",
    )


DEFINITIONS_BOARD = SpecialBoard(
    page="trust",
    key="definitions",
    title="One name, several definitions",
    note="The same deals under each definition that is in use. Before comparing with somebody else's number, "
    "ask which it is.",
    query=DEFINITIONS,
    table="mart_definitions_compared",
    choice=Column("metric_and_period", "Metric"),
    columns=(
        Column("definition", "Definition"),
        Column("formula", "Formula"),
        Column("value", "Value", "unit", by="unit"),
        Column("difference_from_default", "Beside the default", "unit", by="unit"),
        Column("n_included", "Records", "count"),
        Column("n_excluded", "Left out", "count"),
        Column("used_by", "Used by"),
        Column("source_title", "Source"),
        Column("why_it_differs", "Why it differs"),
    ),
    chart=_definitions_chart,
    says=_definitions_says,
    empty="There are no deals to compare definitions on.",
)

BENCHMARKS = """
with
    comparable as (
        select
            *,
            count(*) filter (where publisher <> 'own history') over (
                partition by metric, variant
            ) as figures_of_others,
            row_number() over (
                partition by metric, variant, period_grain, period_start
                order by publisher = 'own history' desc, publisher, year, statistic, segment
            ) as place,
            count(*) over (partition by metric, variant, period_grain, period_start) as n_of_all
        from marts.mart_benchmarks
        where is_comparable and own_value is not null and benchmark_value is not null
    )

select
    concat(replace(metric, '_', ' '), if(variant = 'default', '', concat(', ', replace(variant, '_', ' '))),
        ', last whole ', period_grain) as metric_and_period,
    metric,
    unit,
    period_grain,
    period_start,
    concat(place, '. ', publisher, ': ', statistic, if(year is null, '', concat(' ', year))) as benchmark,
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
where place <= 12 and (figures_of_others > 0 or variant = 'default')
order by
    figures_of_others > 0 desc,
    metric,
    variant <> 'default',
    variant,
    list_position(['quarter', 'year', 'month'], period_grain),
    place
"""
VERDICTS = {"ours is as good": BLUE, "may be chance": GREY, "ours is not as good": RED}


def _benchmarks_chart(rows: Rows) -> Spec:
    import altair as alt

    unit, first = rows[0]["unit"], rows[0]
    base = rows_by_name(
        names("benchmark", unique([row["benchmark"] for row in rows]))
    ).transform_calculate(text=f"({amount('datum.benchmark_value', unit)}) + ' · ' + datum.verdict")
    tooltip = [
        alt.Tooltip("benchmark:N", title="Beside"),
        alt.Tooltip("segment:N", title="Whom"),
        alt.Tooltip("sample_size:Q", title="How many", format=","),
        alt.Tooltip("source:N", title="Source"),
    ]
    ours = alt.Chart(alt.NamedData("rows"))
    layers = []
    if first["own_low"] is not None and first["own_high"] is not None:
        layers.append(
            ours.transform_aggregate(low="min(own_low)", high="max(own_high)")
            .mark_rect(color=SKY, opacity=0.3)
            .encode(across("low:Q", unit, right=170), alt.X2("high"))
        )
    layers.append(
        ours.transform_aggregate(own="min(own_value)")
        .mark_rule(strokeWidth=2)
        .encode(across("own:Q", unit, right=170))
    )
    shapes = alt.Scale(domain=list(VERDICTS), range=["circle", "diamond", "triangle-down"])
    layers.append(
        base.mark_point(filled=True, size=90, opacity=1).encode(
            across("benchmark_value:Q", unit, right=170),
            meaning("verdict", VERDICTS),
            alt.Shape("verdict:N", scale=shapes, legend=alt.Legend(title=None, orient="top")),
            tooltip=tooltip,
        )
    )
    layers.append(
        base.mark_text(align="left", dx=9).encode(
            across("benchmark_value:Q", unit, right=170), text="text:N"
        )
    )
    return finished(alt.layer(*layers))


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
        "; the rest may be chance.",
    )


BENCHMARKS_BOARD = SpecialBoard(
    page="trust",
    key="benchmarks",
    title="Beside others and beside our own past",
    note="Figures of the same definition only. The line is our number, the band its interval (95%). A figure "
    "outside it is worth a question: others sell other things to other people.",
    query=BENCHMARKS,
    table="mart_benchmarks",
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
    empty="No figure can be compared with ours: too few records, or none of the same definition.",
    top=12,
    things="figures",
)

BOARDS = (RESTATEMENTS_BOARD, EXCLUSIONS_BOARD, DEFINITIONS_BOARD, BENCHMARKS_BOARD)
