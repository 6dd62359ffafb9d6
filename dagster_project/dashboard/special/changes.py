"""What has changed in the pipeline since a moment."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    GREEN,
    LOWER,
    RED,
    TALL,
    above,
    across,
    finished,
    hidden,
    meaning,
    money,
    names,
    rows_by_name,
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
    known_sum,
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
            meaning("way", {"in": BLUE, "won": GREEN, "out": RED}, columns=3),
            tooltip=[
                alt.Tooltip("movement:N", title="What happened"),
                alt.Tooltip("deals:Q", title="Deals", format=","),
                alt.Tooltip("effect:Q", title="Effect on the pipeline", format="+$,.0f"),
            ],
        )
    )
    zero = base.mark_rule().encode(x=alt.datum(0))
    words = base.mark_text(align="left", dx=6).encode(
        across("at:Q", "money", right=130), alt.Text("text:N")
    )
    return finished(bars, zero, words)


def _changes_says(rows: Rows) -> Sentence:
    missing = sum(row["not_known"] for row in rows)
    parts: list[str | Figure] = [
        f"Since {rows[0]['since_words']} (",
        Figure(rows[0]["since_at"], "day"),
        "): ",
        Figure(sum(row["changes"] for row in rows), "count"),
        " changes; the open pipeline moved by ",
        Figure(known_sum(rows, "effect"), "money"),
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
    sample=Sample("changes", "changes", adds_up=True),
    choice=Column("since_words", "Since"),
    columns=(
        Column("movement", "What happened"),
        Column("since_at", "Since the beginning of", "day"),
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
            since_at,
            opportunity_key,
            any_value(coalesce(opportunity_name, opportunity_id)) as opportunity_name,
            string_agg(
                replace(movement, '_', ' '), ', ' order by changed_at, movement
            ) as movements,
            string_agg(
                concat(
                    field, ': ', coalesce(old_value, '(none)'), ' → ', coalesce(new_value, '(none)')
                ),
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
        group by since_words, since_place, since_at, opportunity_key
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

    base = rows_by_name(hidden("deal", unique([row["deal"] for row in rows]))).transform_calculate(
        text="(" + money("datum.money_at_stake") + ") + ' · ' + datum.movements",
        size="isValid(datum.money_at_stake) ? datum.money_at_stake : 0",
    )
    bars = (
        base.transform_filter("isValid(datum.money_at_stake)")
        .mark_bar(height=14, yOffset=LOWER, color=BLUE)
        .encode(
            across("size:Q", "money", right=170),
            tooltip=[
                alt.Tooltip("deal:N", title="Deal"),
                alt.Tooltip("told:N", title="Changes"),
                alt.Tooltip("rep_name:N", title="Owner"),
            ],
        )
    )
    words = base.mark_text(align="left", dx=5, limit=165, yOffset=LOWER).encode(
        across("size:Q", "money", right=170), alt.Text("text:N")
    )
    return finished(above(base, "deal"), bars, words, band=TALL)


def _changed_deals_says(rows: Rows) -> Sentence:
    first = rows[0]
    return (
        f"Since {first['since_words']} (",
        Figure(first["since_at"], "day"),
        "), most money is at stake with ",
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
        Column("since_at", "Since the beginning of", "day"),
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
