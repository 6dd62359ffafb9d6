"""Boards of the page on the pipeline: how it moved, how old it is, whether it is enough."""

from __future__ import annotations

import math

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
    money,
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
from dagster_project.dashboard.special.waterfall import waterfall

BRIDGE = """
with
    bridge as (
        select
            *,
            row_number() over (partition by period_grain order by period_start desc) as periods_back
        from marts.fct_pipeline_bridge
        where dimension = 'company' and scope = 'open' and basis = 'reporting'
    ),

    shown as (
        select *, concat(if(periods_back = 1, 'this ', 'last whole '), period_grain) as period
        from bridge
        where periods_back <= 2 and period_grain in ('quarter', 'month')
    ),

    steps(position, step, label, kind, sign) as (
        values
            (1, 'opening', 'at the beginning', 'total', 1),
            (2, 'created', 'created', 'in', 1),
            (3, 'reopened', 're-opened', 'in', 1),
            (4, 'increased', 'amount raised', 'in', 1),
            (5, 'decreased', 'amount cut', 'out', -1),
            (6, 'won', 'won', 'won', -1),
            (7, 'lost', 'lost', 'out', -1),
            (8, 'no_decision', 'no decision', 'out', -1),
            (9, 'deleted', 'deleted', 'out', -1),
            (10, 'merged', 'merged', 'out', -1),
            (11, 'currency', 'exchange rates', 'either', 1),
            (12, 'closing', 'at the end', 'total', 1)
    ),

    told as (
        select *
        from shown unpivot include nulls (
            told for step in (
                opening, created, reopened, increased, decreased, won, lost, no_decision, deleted,
                merged, currency, closing
            )
        )
    ),

    signed as (
        select
            period,
            period_grain,
            period_start,
            periods_back,
            currency_code,
            n_without_rate,
            position,
            if(step = 'closing' and periods_back = 1, 'now', label) as label,
            case when kind <> 'either' then kind when told < 0 then 'out' else 'in' end as kind,
            sign * told as amount
        from told
        inner join steps using (step)
    ),

    final as (
        select
            *,
            case
                when label in ('at the end', 'now') then amount
                when count(*) filter (where amount is null) over until_here = 0
                then sum(amount) over until_here
            end as reached
        from signed
        window until_here as (partition by period order by position)
    )

select
    * exclude (reached, periods_back),
    case when kind = 'total' then 0 else reached - amount end as from_amount,
    reached as to_amount
from final
order by periods_back desc, period_grain desc, position
"""


def _bridge_says(rows: Rows) -> Sentence:
    by_label = {row["label"]: row["amount"] for row in rows}
    first = rows[0]
    end = "now" if "now" in by_label else "at the end"
    parts: list[str | Figure] = [
        Figure(first["period_start"], "period", first["period_grain"]),
        ": the open pipeline went from ",
        Figure(by_label["at the beginning"], "money"),
        " to ",
        Figure(by_label[end], "money"),
        "; ",
        Figure(by_label["created"], "money"),
        " was created and ",
        Figure(by_label["won"] and -by_label["won"], "money"),
        " won.",
    ]
    if first["n_without_rate"]:
        parts += [
            " ",
            Figure(first["n_without_rate"], "count"),
            " amounts have no exchange rate: what they are part of is not known.",
        ]
    return tuple(parts)


BRIDGE_BOARD = SpecialBoard(
    page="pipeline",
    key="bridge",
    title="How the pipeline moved",
    note="From the open amount at the beginning to that at the end, step by step.",
    query=BRIDGE,
    table="fct_pipeline_bridge",
    choice=Column("period", "Period"),
    columns=(
        Column("period_start", "Period", "period", by="period_grain"),
        Column("label", "Step"),
        Column("amount", "Amount", "money"),
        Column("to_amount", "Pipeline after it", "money"),
    ),
    chart=waterfall,
    says=_bridge_says,
    empty="There was never an open deal with an amount: nothing could move.",
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
        ['up to the median', 'up to 3 of 4', 'up to 9 of 10', 'older than 9 of 10', 'usual age not known'], age
    )
"""


def _age_chart(rows: Rows) -> Spec:
    import altair as alt

    unit = rows[0]["unit"]
    order = unique([row["label"] for row in rows])
    base = rows_by_name(names("label", order))
    bars = (
        base.mark_bar(stroke="#fff", strokeWidth=0.5)
        .encode(
            across("sum(shown):Q", unit, right=70),
            meaning("age", AGES, columns=3),
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
        .mark_text(align="left", dx=5)
        .encode(across("total:Q", unit, right=70), text="text:N")
    )
    return finished(bars + totals)


def _age_says(rows: Rows) -> Sentence:
    unit = "money" if rows[0]["unit"] == "money" else "count"
    old = [row for row in rows if row["age"] == "older than 9 of 10"]
    without = sum(row["deals_without_amount"] for row in rows)
    what = "" if unit == "money" else " deals"
    parts: list[str | Figure] = [
        "Of ",
        Figure(_known_sum(rows, "shown"), unit),  # type: ignore[arg-type]
        f"{what} open, ",
        Figure(_known_sum(old, "shown") if old else 0, unit),  # type: ignore[arg-type]
        " has been in its stage for longer than nine of ten visits last."
        if unit == "money"
        else " have been in their stage for longer than nine of ten visits last.",
    ]
    if without and unit == "money":
        parts += [
            " ",
            Figure(without, "count"),
            " deals have no known amount and are not in the sums.",
        ]
    return tuple(parts)


def _known_sum(rows: Rows, name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return round(math.fsum(known), 6) if known else None


AGE_BOARD = SpecialBoard(
    page="pipeline",
    key="stage_and_age",
    title="Open deals by stage and age",
    note="How long deals have been in their stage, beside how long visits to it usually last. Look at "
    "what is older than nine of ten first.",
    query=AGE,
    table="mart_deal_inspection",
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
        furthest="max((isValid(datum.won) ? datum.won : 0) + datum.due, isValid(datum.quota) ? datum.quota : 0)",
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
        alt.Tooltip("won:Q", title="Won so far", format="$,.0f"),
        alt.Tooltip("to_go:Q", title="To go", format="$,.0f"),
        alt.Tooltip("due:Q", title="Open and due", format="$,.0f"),
        alt.Tooltip("due_deals:Q", title="Deals due", format=","),
    ]
    parts = {"won so far": GREEN, "open and due": BLUE, "quota": GREY}
    won = (
        base.transform_filter("isValid(datum.won)")
        .transform_calculate(part="'won so far'", zero="0")
        .mark_bar(height=16)
        .encode(
            across("zero:Q", "money", right=150),
            alt.X2("won"),
            meaning("part", parts),
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
            meaning("part", parts),
            tooltip=tooltip,
        )
    )
    quota = (
        base.transform_filter("isValid(datum.quota)")
        .transform_calculate(part="'quota'")
        .mark_tick(thickness=4, height=24, opacity=1)
        .encode(across("quota:Q", "money", right=150), meaning("part", parts), tooltip=tooltip)
    )
    text = base.mark_text(align="left", dx=7).encode(
        across("furthest:Q", "money", right=150), text="text:N"
    )
    return finished(won + due + quota + text)


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
    note="What is won and what is open and due in this period and those to come, beside the quota. Not "
    "all that is due will be won: once over is seldom enough.",
    query=COVERAGE,
    table="mart_pipeline_coverage",
    choice=Column("grain", "Periods"),
    columns=(
        Column("period_start", "Period", "period", by="period_grain"),
        Column("quota", "Quota", "money"),
        Column("won", "Won so far", "money"),
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

SINCE = """
    case since
        when 'yesterday' then 'the last working day'
        when 'last_week' then 'a week ago'
        when 'month_start' then 'the beginning of the month'
        when 'quarter_start' then 'the beginning of the quarter'
    end as since_words,
    list_position(['yesterday', 'last_week', 'month_start', 'quarter_start'], since) as since_place
"""
CHANGES = f"""
with
    changes as (select *, {SINCE} from marts.mart_pipeline_changes),

    final as (
        select
            since_words,
            since_place,
            since_at,
            replace(movement, '_', ' ') as movement,
            count(*) as changes,
            count(distinct opportunity_key) as deals,
            count(*) - count(pipeline_effect) as not_known,
            case when count(pipeline_effect) > 0 then sum(pipeline_effect) end as effect
        from changes
        group by all
    )

select *
from final
order by since_place, effect desc nulls last, changes desc, movement
"""


def _changes_chart(rows: Rows) -> Spec:
    import altair as alt

    text = (
        "(!isValid(datum.effect) ? 'not known' : datum.effect === 0 ? 'no effect' : "
        + money("datum.effect", signed=True)
        + ") + ' · ' + format(datum.deals, ',') + (datum.deals === 1 ? ' deal' : ' deals')"
    )
    base = rows_by_name(
        names("movement", unique([row["movement"] for row in rows]))
    ).transform_calculate(
        text=text,
        way="datum.movement === 'won' ? 'won' : datum.effect < 0 ? 'out' : 'in'",
        at="isValid(datum.effect) ? max(datum.effect, 0) : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.effect)")
        .mark_bar(height=16)
        .encode(
            across("effect:Q", "money", right=130),
            meaning("way", {"in": BLUE, "won": GREEN, "out": RED}),
            tooltip=[
                alt.Tooltip("movement:N", title="What happened"),
                alt.Tooltip("deals:Q", title="Deals", format=","),
                alt.Tooltip("effect:Q", title="Effect on the pipeline", format="+$,.0f"),
            ],
        )
    )
    zero = alt.Chart(alt.Data(values=[{}])).mark_rule(strokeOpacity=0.6).encode(x=alt.datum(0))
    words = base.mark_text(align="left", dx=6).encode(
        across("at:Q", "money", right=130), text="text:N"
    )
    return finished(bars + zero + words)


def _changes_says(rows: Rows) -> Sentence:
    missing = sum(row["not_known"] for row in rows)
    parts: list[str | Figure] = [
        f"Since {rows[0]['since_words']}: ",
        Figure(sum(row["changes"] for row in rows), "count"),
        " changes; the open pipeline moved by ",
        Figure(_known_sum(rows, "effect"), "money"),
        " at today's rates and amounts.",
    ]
    if missing:
        parts += [
            " What ",
            Figure(missing, "count"),
            " of them did is not known, and is not in the sum.",
        ]
    return tuple(parts)


CHANGES_BOARD = SpecialBoard(
    page="pipeline",
    key="changes",
    title="What has changed",
    note="What the changes of the last days did to the open pipeline, by kind.",
    query=CHANGES,
    table="mart_pipeline_changes",
    choice=Column("since_words", "Since"),
    columns=(
        Column("movement", "What happened"),
        Column("changes", "Changes", "count"),
        Column("deals", "Deals", "count"),
        Column("effect", "Effect on the pipeline", "money"),
        Column("not_known", "Changes of unknown effect", "count"),
    ),
    chart=_changes_chart,
    says=_changes_says,
    empty="Nothing has changed since the beginning of the quarter.",
)

CHANGED_DEALS = f"""
with
    changes as (select *, {SINCE} from marts.mart_pipeline_changes),

    deals as (
        select
            since_words,
            since_place,
            opportunity_key,
            any_value(coalesce(opportunity_name, opportunity_id)) as opportunity_name,
            string_agg(replace(movement, '_', ' '), ', ' order by changed_at, movement) as movements,
            string_agg(
                concat(field, ': ', coalesce(old_value, '(none)'), ' → ', coalesce(new_value, '(none)')),
                '; '
                order by changed_at, movement
            ) as told,
            max(abs(money_at_stake)) as money_at_stake,
            case
                when count(pipeline_effect) = count(*) then sum(pipeline_effect)
            end as pipeline_effect,
            any_value(rep_name) as rep_name,
            any_value(team) as team,
            max(changed_at) as changed_at,
            min(money_rank) as money_rank
        from changes
        group by since_words, since_place, opportunity_key
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by since_words order by money_rank, opportunity_key
            ) as place,
            count(*) over (partition by since_words) as n_of_all
        from deals
    )

select * exclude (opportunity_key, money_rank), concat(place, '. ', opportunity_name) as deal
from ranked
where place <= 12
order by since_place, place
"""


def _changed_deals_chart(rows: Rows) -> Spec:
    import altair as alt

    base = rows_by_name(names("deal", unique([row["deal"] for row in rows]))).transform_calculate(
        text="(" + money("datum.money_at_stake") + ") + ' · ' + datum.movements",
        size="isValid(datum.money_at_stake) ? datum.money_at_stake : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.money_at_stake)")
        .mark_bar(height=14, color=BLUE)
        .encode(
            across("size:Q", "money", right=170),
            tooltip=[
                alt.Tooltip("deal:N", title="Deal"),
                alt.Tooltip("told:N", title="Changes"),
                alt.Tooltip("rep_name:N", title="Owner"),
            ],
        )
    )
    words = base.mark_text(align="left", dx=5, limit=165).encode(
        across("size:Q", "money", right=170), text="text:N"
    )
    return finished(bars + words)


def _changed_deals_says(rows: Rows) -> Sentence:
    first = rows[0]
    return (
        f"Since {first['since_words']}, most money is at stake with ",
        Figure(first["opportunity_name"], "text"),
        f" ({first['movements']}): ",
        Figure(first["money_at_stake"], "money"),
        ".",
    )


CHANGED_DEALS_BOARD = SpecialBoard(
    page="pipeline",
    key="changed_deals",
    title="Deals to ask about",
    note="The changed deals with the most money at stake, for the morning's conversation.",
    query=CHANGED_DEALS,
    table="mart_pipeline_changes",
    choice=Column("since_words", "Since"),
    columns=(
        Column("deal", "Deal"),
        Column("movements", "What happened"),
        Column("told", "Before and now"),
        Column("money_at_stake", "Money at stake", "money"),
        Column("pipeline_effect", "Effect on the pipeline", "money"),
        Column("rep_name", "Owner"),
        Column("team", "Team"),
        Column("changed_at", "Last changed (UTC)", "moment"),
    ),
    chart=_changed_deals_chart,
    says=_changed_deals_says,
    empty="Nothing has changed since the beginning of the quarter.",
    top=12,
    things="deals",
)

BOARDS = (BRIDGE_BOARD, AGE_BOARD, COVERAGE_BOARD, CHANGES_BOARD, CHANGED_DEALS_BOARD)
