"""What numbers leave out, and how else they are defined."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    AMBER,
    BLUE,
    LOWER,
    SKY,
    TALL,
    above,
    across,
    amount,
    finished,
    hidden,
    names,
    rows_by_name,
    unique,
)
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Row,
    Rows,
    Sample,
    Sentence,
    Spec,
    SpecialBoard,
)
from dagster_project.dashboard.special.sql import THIS_PERIOD
from dagster_project.numbers.headlines import RIPENING
from ingestion.warehouse.duckdb_sql import literal

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
        across("records:Q", "count", right=140), alt.Text("text:N")
    )
    return finished(bars, words)


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
    note=(
        "The records that each metric leaves out for the chosen reason, in all periods. A "
        "record may be left out of several metrics and for several reasons: do not add them up."
    ),
    query=EXCLUSIONS,
    table="kpi_exclusions",
    sample=Sample("n_included", "records counted"),
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

RIPENING_ONES = ", ".join(f"({literal(name)}, {literal(of)})" for name, of in sorted(RIPENING))
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
    period_grain <> 'all' and (metric, variant) in ({RIPENING_ONES}) as ripens,
    concat(
        replace(metric, '_', ' '), ', ', if(period_grain = 'all', 'all time', 'last whole quarter')
    ) as metric_and_period,
    if(variant = 'default', 'default (ours)', replace(variant, '_', ' ')) as definition
from shown
order by
    list_position(
        ['win_rate', 'sales_cycle_days', 'stage_conversion_rate', 'pipeline_coverage'], metric
    ),
    metric,
    period_grain desc,
    variant <> 'default',
    variant
"""


def _definitions_chart(rows: Rows) -> Spec:
    import altair as alt

    unit = rows[0]["unit"]
    base = rows_by_name(
        hidden("definition", unique([row["definition"] for row in rows]))
    ).transform_calculate(
        named="datum.definition + (isValid(datum.used_by) ? ' · ' + datum.used_by : '')",
        text=amount("datum.value", unit),
        at="isValid(datum.value) ? max(datum.value, 0) : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.value)")
        .mark_bar(height=14, yOffset=LOWER)
        .encode(
            across("value:Q", unit, right=80),
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
    words = base.mark_text(align="left", dx=6, yOffset=LOWER).encode(
        across("at:Q", unit, right=80), alt.Text("text:N")
    )
    return finished(above(base, "named"), bars, words, band=TALL)


def _definitions_says(rows: Rows) -> Sentence:
    known = [row for row in rows if row["value"] is not None]
    name = rows[0]["metric"].replace("_", " ")
    if len(known) < 2:
        return (f"There are too few numbers to set the definitions of {name} side by side.",)
    if len({row["value"] for row in known}) == 1:
        return (
            f"{name} is the same by each definition: ".capitalize(),
            Figure(known[0]["value"], "unit", known[0]["unit"]),
            ".",
        )
    low, high = min(known, key=lambda row: row["value"]), max(known, key=lambda row: row["value"])
    return (
        f"In the same period, {name} is between ",
        Figure(low["value"], "unit", low["unit"]),
        f" ({_named(low)}) and ",
        Figure(high["value"], "unit", high["unit"]),
        f" ({_named(high)}), by its definition.",
    )


def _named(row: Row) -> str:
    return f"{row['definition']}{', still ripening' if row['ripens'] else ''}"


DEFINITIONS_BOARD = SpecialBoard(
    page="trust",
    key="definitions",
    title="One name, several definitions",
    note=(
        "One period under each definition that is in use; not all are of the same deals. Before "
        "comparing with somebody else's number, ask which it is."
    ),
    query=DEFINITIONS,
    table="mart_definitions_compared",
    sample=Sample("n_included", "records"),
    choice=Column("metric_and_period", "Metric"),
    columns=(
        Column("definition", "Definition"),
        Column("formula", "Formula"),
        Column("value", "Value", "unit", by="unit"),
        Column("difference_from_default", "Beside the default", "unit", by="unit"),
        Column("n_included", "Records", "count"),
        Column("n_excluded", "Left out", "count"),
        Column("ripens", "Still ripens?", "yes_no"),
        Column("used_by", "Used by"),
        Column("source_title", "Source"),
        Column("why_it_differs", "Why it differs"),
    ),
    chart=_definitions_chart,
    says=_definitions_says,
    empty="There are no deals to compare definitions on.",
)
