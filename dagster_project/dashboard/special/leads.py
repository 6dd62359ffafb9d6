"""From lead to won deal, by channel."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    AMBER,
    BLUE,
    finished,
    meaning,
    names,
    rows_by_name,
    unique,
)
from dagster_project.dashboard.special.model import (
    OF_ALL,
    Column,
    Figure,
    Rows,
    Sample,
    Sentence,
    Spec,
    SpecialBoard,
)
from dagster_project.dashboard.special.sql import WILSON

CHANNELS = f"""
with
    ranked as (
        select
            *,
            row_number() over (
                partition by dimension order by leads desc, dimension_key
            ) as place,
            count(*) over (partition by dimension) as channels
        from marts.mart_funnel
        where cohort_month is null and dimension in ('company', 'channel')
    ),

    told as (
        select
            dimension,
            dimension_key,
            if(dimension = 'company', 'all channels', dimension_label) as channel,
            place,
            leads,
            qualified_by,
            channels,
            step,
            reached
        from ranked unpivot include nulls (
            reached for step in (qualified, accepted, opportunities, won)
        )
        where dimension = 'company' or place <= 12
    ),

    rated as (
        select
            *,
            case when leads > 0 then reached / leads end as rate,
            {WILSON.format(part="reached", whole="leads", name="rate")}
        from told
    ),

    final as (
        select
            rated.*,
            company.rate as company_rate,
            case
                when rated.dimension = 'company' then 'all channels'
                when rated.leads < 10 or rated.rate is null then 'too few to say'
                when rated.rate_low > company.rate then 'above'
                when rated.rate_high < company.rate then 'below'
                else 'may be chance'
            end as verdict
        from rated
        left join rated as company on rated.step = company.step and company.dimension = 'company'
    )

select
    *,
    4 * (max(channels) over () + 1) as {OF_ALL}
from final
order by
    dimension desc,
    place,
    list_position(['qualified', 'accepted', 'opportunities', 'won'], step)
"""

VERDICTS = {
    "above": BLUE,
    "may be chance": "#b8b8b8",
    "below": AMBER,
    "too few to say": "#dcdcdc",
    "all channels": "#dcdcdc",
}


def _channels_chart(rows: Rows) -> Spec:
    import altair as alt

    steps = ["qualified", "accepted", "opportunities", "won"]
    order = unique([f"{row['channel']} ({row['leads']:,})" for row in rows])
    base = rows_by_name(names("name", order)).transform_calculate(
        name="datum.channel + ' (' + format(datum.leads, ',') + ')'",
        text="!isValid(datum.rate) ? '–' : format(datum.rate, datum.rate < 0.1 ? '.1%' : '.0%')"
        " + (datum.verdict === 'above' ? ' ▲' : datum.verdict === 'below' ? ' ▼' : '')",
    )
    across_steps = alt.X(
        "step:N",
        sort=steps,
        axis=alt.Axis(
            title=None,
            labelExpr="datum.value === 'opportunities' ? 'deal' : datum.value",
            orient="top",
            labelAngle=0,
            ticks=False,
            domain=False,
        ),
    )
    cells = base.mark_rect(stroke="#fff", strokeWidth=2).encode(
        across_steps,
        meaning("verdict", VERDICTS).legend(None),
        tooltip=[
            alt.Tooltip("channel:N", title="Channel"),
            alt.Tooltip("step:N", title="Reached"),
            alt.Tooltip("reached:Q", title="Leads that reached it", format=","),
            alt.Tooltip("leads:Q", title="Of leads", format=","),
            alt.Tooltip("rate_low:Q", title="Lower bound", format=".1%"),
            alt.Tooltip("rate_high:Q", title="Upper bound", format=".1%"),
        ],
    )
    words = base.mark_text(color="#111").encode(
        across_steps,
        alt.Text("text:N"),
        color=alt.condition("datum.verdict === 'above'", alt.value("#fff"), alt.value("#111")),
    )
    return finished(cells, words)


def _channels_says(rows: Rows) -> Sentence:
    won = [row for row in rows if row["step"] == "won" and row["dimension"] == "channel"]
    company = [row for row in rows if row["step"] == "won" and row["dimension"] == "company"]
    parts: list[str | Figure] = []
    if company:
        parts += [
            "Of ",
            Figure(company[0]["leads"], "count"),
            " leads ",
            Figure(company[0]["rate"], "ratio"),
            " have won a deal by now",
        ]
    for verdict, words in (("above", "more"), ("below", "fewer")):
        found = [row["channel"] for row in won if row["verdict"] == verdict]
        if found:
            parts += [f"; {words} than of all from ", Figure(", ".join(found), "text")]
    return (*parts, ".")


CHANNELS_BOARD = SpecialBoard(
    page="money",
    key="channel_funnel",
    title="From lead to won, by channel",
    note=(
        "The share of each channel's leads that got so far by now, the number of leads in "
        "brackets. ▲ and ▼ stand where it differs from that of all channels by more than chance"
        " (95%: of twenty cells one, where there is nothing); young leads may yet go on."
    ),
    query=CHANNELS,
    table="mart_funnel",
    sample=Sample("leads", "leads"),
    columns=(
        Column("channel", "Channel"),
        Column("leads", "Leads", "count"),
        Column("step", "Reached"),
        Column("reached", "Leads that reached it", "count"),
        Column("rate", "Share", "ratio"),
        Column("rate_low", "Lower bound", "ratio"),
        Column("rate_high", "Upper bound", "ratio"),
        Column("company_rate", "All channels", "ratio"),
        Column("verdict", "Beside all channels"),
    ),
    chart=_channels_chart,
    says=_channels_says,
    empty="There are no leads.",
    top=52,
    things="rows of channels with fewer leads",
)
