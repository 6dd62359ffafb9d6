"""What ad spend brought back."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    GREY,
    LOWER,
    RED,
    TALL,
    above,
    across,
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

MODELS = {
    "first": "first touch",
    "last": "last touch",
    "linear": "all touches alike",
    "position": "by position",
}

SPEND = f"""
with
    campaigns as (
        select
            *,
            row_number() over (order by spend desc, campaign_id) as place,
            count(*) over () as n_of_all
        from marts.mart_campaign_performance
        where spend is not null and spend > 0
    )

{
    " union all ".join(
        f'''select
    '{words}' as model,
    {number} as model_place,
    place,
    concat(place, '. ', coalesce(campaign_name, campaign_id, '(no campaign)')) as campaign,
    channel,
    started_on,
    spend,
    spend_without_rate,
    leads,
    won_{model} as won,
    return_on_ad_spend_{model} as return_on_spend,
    n_of_all
from campaigns
where place <= 12'''
        for number, (model, words) in enumerate(MODELS.items())
    )
}
order by model_place, place
"""


def _spend_chart(rows: Rows) -> Spec:
    import altair as alt

    base = rows_by_name(
        hidden("campaign", unique([row["campaign"] for row in rows]))
    ).transform_calculate(
        spent="'spent'",
        back="datum.won < datum.spend ? 'won, less than spent' : 'won, more than spent'",
        text="isValid(datum.return_on_spend)"
        " ? format(datum.return_on_spend, '.1f') + '×' : 'won not known'",
        furthest="max(datum.spend, isValid(datum.won) ? datum.won : 0)",
    )
    parts = {"spent": GREY, "won, more than spent": BLUE, "won, less than spent": RED}
    forms = dict(zip(parts, ("square", "circle", "triangle-left"), strict=True))
    tooltip = [
        alt.Tooltip("campaign:N", title="Campaign"),
        alt.Tooltip("channel:N", title="Channel"),
        alt.Tooltip("spend:Q", title="Spent", format="$,.0f"),
        alt.Tooltip("won:Q", title="Won", format="$,.0f"),
        alt.Tooltip("leads:Q", title="Leads", format=","),
    ]
    known = base.transform_filter("isValid(datum.won)")
    line = known.mark_rule(yOffset=LOWER, strokeWidth=2, opacity=0.6).encode(
        across("spend:Q", "money", right=90), alt.X2("won"), meaning("back", parts)
    )
    spent = base.mark_point(yOffset=LOWER, filled=True, size=70, opacity=1).encode(
        across("spend:Q", "money", right=90),
        meaning("spent", parts),
        shapes("spent", forms),
        tooltip=tooltip,
    )
    won = known.mark_point(yOffset=LOWER, filled=True, size=90, opacity=1).encode(
        across("won:Q", "money", right=90),
        meaning("back", parts),
        shapes("back", forms),
        tooltip=tooltip,
    )
    words = base.mark_text(yOffset=LOWER, align="left", dx=9).encode(
        across("furthest:Q", "money", right=90), alt.Text("text:N")
    )
    return finished(above(base, "campaign"), line, spent, won, words, band=TALL)


def _spend_says(rows: Rows) -> Sentence:
    less = [row for row in rows if row["won"] is not None and row["won"] < row["spend"]]
    unknown = sum(row["spend_without_rate"] or 0 for row in rows)
    parts: list[str | Figure] = [
        "Of the ",
        Figure(len(rows), "count"),
        " campaigns with the most spend ",
        Figure(len(less), "count"),
        f" have won less than they cost by now (credit: {rows[0]['model']}).",
    ]
    if unknown:
        parts += [
            " ",
            Figure(unknown, "count"),
            " records of spend have no rate and are not in it.",
        ]
    return tuple(parts)


SPEND_BOARD = SpecialBoard(
    page="money",
    key="spend_to_won",
    title="What ad spend brought back",
    note=(
        "Each campaign's ad spend and the won amount credited to it, by now. Deals take time: "
        "judge a campaign when its leads have had their sales cycle."
    ),
    query=SPEND,
    table="mart_campaign_performance",
    sample=Sample("leads", "leads", adds_up=True),
    choice=Column("model", "Credit by"),
    columns=(
        Column("campaign", "Campaign"),
        Column("channel", "Channel"),
        Column("started_on", "First day", "date"),
        Column("spend", "Spent", "money"),
        Column("spend_without_rate", "Records without a rate", "count"),
        Column("leads", "Leads", "count"),
        Column("won", "Won", "money"),
        Column("return_on_spend", "Won / spent", "number"),
    ),
    chart=_spend_chart,
    says=_spend_says,
    empty="No ad spend is told of.",
    top=12,
    things="campaigns with less spend",
)
