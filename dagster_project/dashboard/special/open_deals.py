"""Open deals by age, and whether they are enough."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
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
    money,
    names,
    period,
    rows_by_name,
    unique,
)
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Format,
    Rows,
    Sample,
    Sentence,
    Spec,
    SpecialBoard,
    known_sum,
)

AGES = {
    "up to the median": BLUE,
    "up to 3 of 4": SKY,
    "up to 9 of 10": AMBER,
    "older than 9 of 10": RED,
    "usual age not known": GREY,
}

AGE = """
with
    deals as (
        select
            coalesce(pipeline, '(none)') as pipeline,
            coalesce(stage, '(none)') as stage,
            stage_order,
            amount,
            case
                when stage_stays_ended < 10 or days_in_stage is null or stage_median_days is null
                then 'usual age not known'
                when days_in_stage <= stage_median_days then 'up to the median'
                when days_in_stage <= stage_p75_days then 'up to 3 of 4'
                when days_in_stage <= stage_p90_days then 'up to 9 of 10'
                else 'older than 9 of 10'
            end as age
        from marts.mart_deal_inspection
    ),

    summed as (
        select
            pipeline,
            stage,
            stage_order,
            age,
            count(*) as deals,
            count(*) - count(amount) as deals_without_amount,
            sum(amount) as amount
        from deals
        group by all
    ),

    final as (
        select 'amount' as measure, 'money' as unit, amount as shown, *
        from summed
        where exists (select 1 from summed where amount is not null)
        union all
        select 'deals' as measure, 'deals' as unit, deals as shown, *
        from summed
    )

select
    *,
    if(count(distinct pipeline) over () > 1, concat(stage, ' · ', pipeline), stage) as label
from final
order by
    measure,
    pipeline,
    stage_order nulls last,
    stage,
    list_position(
        [
            'up to the median',
            'up to 3 of 4',
            'up to 9 of 10',
            'older than 9 of 10',
            'usual age not known'
        ],
        age
    )
"""


def _age_chart(rows: Rows) -> Spec:
    import altair as alt

    unit = rows[0]["unit"]
    order = unique([row["label"] for row in rows])
    base = rows_by_name(hidden("label", order))
    bars = (
        base.mark_bar(height=16, yOffset=LOWER, stroke="#fff", strokeWidth=0.5)
        .encode(
            across("sum(shown):Q", unit, right=70),
            meaning("age", AGES),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("label:N", title="Stage"),
                alt.Tooltip("age:N", title="Age in the stage"),
                alt.Tooltip("deals:Q", title="Deals", format=","),
                alt.Tooltip("amount:Q", title="Amount", format="$,.0f"),
            ],
        )
        .transform_calculate(rank=f"indexof({list(AGES)}, datum.age)")
    )
    totals = (
        base.transform_aggregate(total="sum(shown)", known="valid(shown)", groupby=["label"])
        .transform_calculate(text=f"datum.known == 0 ? 'not known' : {amount('datum.total', unit)}")
        .mark_text(align="left", dx=5, yOffset=LOWER)
        .encode(across("total:Q", unit, right=70), alt.Text("text:N"))
    )
    return finished(
        above(base.transform_aggregate(groupby=["label"]), "label"), bars, totals, band=TALL
    )


def _age_says(rows: Rows) -> Sentence:
    is_money = rows[0]["unit"] == "money"
    unit: Format = "money" if is_money else "count"
    old = [row for row in rows if row["age"] == "older than 9 of 10"]
    unknown = [row for row in rows if row["age"] == "usual age not known"]
    without = sum(row["deals_without_amount"] for row in rows)
    parts: list[str | Figure] = [Figure(known_sum(rows, "shown"), unit)]
    parts.append(" is open" if is_money else " deals are open")
    if len(unknown) < len(rows):
        parts += [
            "; ",
            Figure(known_sum(old, "shown") if old else 0, unit),
            " of it in a stage for longer than nine of ten visits last"
            if is_money
            else " of them in a stage for longer than nine of ten visits last",
        ]
    if unknown:
        parts += [
            "; of ",
            Figure(known_sum(unknown, "shown"), unit),
            " nobody knows how long is usual",
        ]
    parts.append(".")
    if without and is_money:
        parts += [
            " Deals without a known amount, which are not in the sums: ",
            Figure(without, "count"),
            ".",
        ]
    return tuple(parts)


AGE_BOARD = SpecialBoard(
    page="pipeline",
    key="stage_and_age",
    title="Open deals by stage and age",
    note=(
        "How long deals have been in their stage, beside how long visits to it usually last. "
        "Look at what is older than nine of ten first."
    ),
    query=AGE,
    table="mart_deal_inspection",
    sample=Sample("deals", "deals", adds_up=True),
    choice=Column("measure", "Measured by"),
    columns=(
        Column("label", "Stage"),
        Column("age", "Age in the stage"),
        Column("deals", "Deals", "count"),
        Column("amount", "Amount", "money"),
        Column("deals_without_amount", "Deals without a known amount", "count"),
    ),
    chart=_age_chart,
    says=_age_says,
    empty="No deal is open.",
)

COVERAGE = """
with
    company as (
        select
            *,
            count(*) over (partition by period_grain) as n_of_all,
            row_number() over (partition by period_grain order by period_start) as place
        from marts.mart_pipeline_coverage
        where dimension = 'company' and due is not null
    ),

    final as (
        select *
        from company
        where period_grain in ('month', 'quarter', 'year') and place <= 8
    )

select
    concat('by ', period_grain) as grain,
    period_grain,
    period_start,
    has_begun,
    quota,
    won,
    to_go,
    due,
    due_deals,
    due_without_amount,
    coverage_to_go,
    coverage_total,
    overdue,
    overdue_deals,
    undated,
    undated_deals,
    n_of_all
from final
order by list_position(['quarter', 'month', 'year'], period_grain), period_start
"""


def _coverage_chart(rows: Rows) -> Spec:
    import altair as alt

    grain = rows[0]["period_grain"]
    label = period("datum.value", grain)
    base = rows_by_name(names("period_start", None, label)).transform_calculate(
        begins="isValid(datum.won) ? datum.won : 0",
        reaches="(isValid(datum.won) ? datum.won : 0) + datum.due",
        furthest="max((isValid(datum.won) ? datum.won : 0) + datum.due,"
        " isValid(datum.quota) ? datum.quota : 0)",
        text=(
            "!isValid(datum.quota) ? 'no quota' : datum.to_go <= 0 ? 'quota reached' : "
            "!isValid(datum.coverage_to_go) ? 'not known' : "
            "format(datum.coverage_to_go, '.1f') + '× of ' + ("
            + money("datum.to_go")
            + ") + ' to go'"
        ),
    )
    tooltip = [
        alt.Tooltip("quota:Q", title="Quota", format="$,.0f"),
        alt.Tooltip("won:Q", title="Won toward the quota", format="$,.0f"),
        alt.Tooltip("to_go:Q", title="To go", format="$,.0f"),
        alt.Tooltip("due:Q", title="Open and due", format="$,.0f"),
        alt.Tooltip("due_deals:Q", title="Deals due", format=","),
    ]
    parts = {"won toward the quota": GREEN, "open and due": BLUE, "quota": GREY}
    won = (
        base.transform_filter("isValid(datum.won)")
        .transform_calculate(part="'won toward the quota'", zero="0")
        .mark_bar(height=16)
        .encode(
            across("zero:Q", "money", right=150),
            alt.X2("won"),
            meaning("part", parts, columns=3),
            tooltip=tooltip,
        )
    )
    due = (
        base.transform_filter("isValid(datum.due)")
        .transform_calculate(part="'open and due'")
        .mark_bar(height=16)
        .encode(
            across("begins:Q", "money", right=150),
            alt.X2("reaches"),
            meaning("part", parts, columns=3),
            tooltip=tooltip,
        )
    )
    quota = (
        base.transform_filter("isValid(datum.quota)")
        .transform_calculate(part="'quota'")
        .mark_tick(thickness=4, height=24, opacity=1)
        .encode(
            across("quota:Q", "money", right=150),
            meaning("part", parts, columns=3),
            tooltip=tooltip,
        )
    )
    text = base.mark_text(align="left", dx=7).encode(
        across("furthest:Q", "money", right=150), alt.Text("text:N")
    )
    return finished(won, due, quota, text)


def _coverage_says(rows: Rows) -> Sentence:
    first = rows[0]
    parts: list[str | Figure] = [
        Figure(first["period_start"], "period", first["period_grain"]),
        ": ",
    ]
    parts += [Figure(first["due"], "money"), " is open and due"]
    if first["quota"] is None:
        parts += ["; there is no quota to set it beside."]
    elif first["coverage_to_go"] is None:
        parts += ["; nothing is left to go of the quota of ", Figure(first["quota"], "money"), "."]
    else:
        parts += [
            ", ",
            Figure(first["coverage_to_go"], "number"),
            " times what is still to go (",
            Figure(first["to_go"], "money"),
            ").",
        ]
    for name, words in (("overdue", "overdue"), ("undated", "without a close date")):
        if first[f"{name}_deals"]:
            parts += [
                " ",
                Figure(first[name], "money"),
                " in ",
                Figure(first[f"{name}_deals"], "count"),
                f" deals is {words} and due in no period.",
            ]
    return tuple(parts)


COVERAGE_BOARD = SpecialBoard(
    page="pipeline",
    key="coverage",
    title="Is the pipeline enough?",
    note=(
        "What is won toward the quota (of deals that it covers only) and what is open and due in "
        "this period and those to come. Not all that is due is won: once over is seldom enough."
    ),
    query=COVERAGE,
    table="mart_pipeline_coverage",
    sample=Sample("due_deals", "deals due", adds_up=True),
    choice=Column("grain", "Periods"),
    columns=(
        Column("period_start", "Period", "period", by="period_grain"),
        Column("quota", "Quota", "money"),
        Column("won", "Won toward the quota", "money"),
        Column("to_go", "To go", "money"),
        Column("due", "Open and due", "money"),
        Column("due_deals", "Deals due", "count"),
        Column("due_without_amount", "Due without an amount", "count"),
        Column("coverage_to_go", "Due / to go", "ratio"),
        Column("coverage_total", "Due / quota", "ratio"),
    ),
    chart=_coverage_chart,
    says=_coverage_says,
    empty="No open deal is due in this period or a later one, and no quota is set for one.",
    top=8,
    things="periods",
)
