"""Boards of the page on marketing and finance: leads to won, spend, recurring revenue, debts."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    RED,
    SKY,
    across,
    finished,
    meaning,
    money,
    month,
    names,
    rows_by_name,
    unique,
)
from dagster_project.dashboard.special.model import (
    OF_ALL,
    Column,
    Figure,
    Rows,
    Sentence,
    Spec,
    SpecialBoard,
)
from dagster_project.dashboard.special.velocity import WILSON
from dagster_project.dashboard.special.waterfall import waterfall

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
        from ranked unpivot include nulls (reached for step in (qualified, accepted, opportunities, won))
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
order by dimension desc, place, list_position(['qualified', 'accepted', 'opportunities', 'won'], step)
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
        axis=alt.Axis(title=None, orient="top", labelAngle=0, ticks=False, domain=False),
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
        text="text:N",
        color=alt.condition("datum.verdict === 'above'", alt.value("#fff"), alt.value("#111")),
    )
    return finished(cells + words)


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
    note="The share of each channel's leads that got so far by now, the number of leads in brackets. ▲ and "
    "▼ stand where it differs from that of all channels by more than chance (95%); young leads may yet go on.",
    query=CHANNELS,
    table="mart_funnel",
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
        names("campaign", unique([row["campaign"] for row in rows]))
    ).transform_calculate(
        spent="'spent'",
        back="!isValid(datum.won) ? '' : datum.won < datum.spend ? 'won, less than spent' : 'won, more than spent'",
        text="!isValid(datum.return_on_spend) ? 'won not known' : format(datum.return_on_spend, '.1f') + '×'",
        furthest="max(datum.spend, isValid(datum.won) ? datum.won : 0)",
    )
    parts = {"spent": GREY, "won, more than spent": BLUE, "won, less than spent": RED}
    shapes = alt.Scale(domain=list(parts), range=["square", "circle", "triangle-left"])
    tooltip = [
        alt.Tooltip("campaign:N", title="Campaign"),
        alt.Tooltip("channel:N", title="Channel"),
        alt.Tooltip("spend:Q", title="Spent", format="$,.0f"),
        alt.Tooltip("won:Q", title="Won", format="$,.0f"),
        alt.Tooltip("leads:Q", title="Leads", format=","),
    ]
    known = base.transform_filter("isValid(datum.won)")
    line = known.mark_rule(strokeWidth=2, opacity=0.6).encode(
        across("spend:Q", "money", right=90), alt.X2("won"), meaning("back", parts)
    )
    spent = base.mark_point(filled=True, size=70, opacity=1).encode(
        across("spend:Q", "money", right=90),
        meaning("spent", parts),
        alt.Shape("spent:N", scale=shapes, legend=alt.Legend(title=None, orient="top")),
        tooltip=tooltip,
    )
    won = known.mark_point(filled=True, size=90, opacity=1).encode(
        across("won:Q", "money", right=90),
        meaning("back", parts),
        alt.Shape("back:N", scale=shapes, legend=alt.Legend(title=None, orient="top")),
        tooltip=tooltip,
    )
    words = base.mark_text(align="left", dx=9).encode(
        across("furthest:Q", "money", right=90), text="text:N"
    )
    return finished(line + spent + won + words)


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
    note="Each campaign's ad spend and the won amount credited to it, by now. Deals take time: judge a "
    "campaign when its leads have had their sales cycle.",
    query=SPEND,
    table="mart_campaign_performance",
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

MRR = """
with
    months as (
        select period_start as month_start, row_number() over (order by period_start desc) as months_back
        from marts.kpi_values
        where
            metric = 'mrr'
            and variant = 'default'
            and dimension = 'company'
            and period_grain = 'month'
    ),

    ranges(place, period, from_back, to_back) as (
        values
            (1, 'last whole month', 2, 2),
            (2, 'last twelve whole months', 13, 2),
            (3, 'this month', 1, 1)
    ),

    bounds as (
        select
            ranges.place,
            ranges.period,
            min(months.month_start) as first_month,
            max(months.month_start) as last_month
        from ranges
        inner join months on months.months_back between ranges.to_back and ranges.from_back
        group by ranges.place, ranges.period, ranges.from_back, ranges.to_back
        having count(*) = ranges.from_back - ranges.to_back + 1
    ),

    -- A sum of which a part is not known is not known.
    sums as (
        select
            bounds.place,
            bounds.period,
            bounds.first_month,
            bounds.last_month,
            count(distinct movements.customer_key) as customers,
            count(*) - count(movements.closing) as unknown_rows,
            case
                when count(*) filter (where month_start = first_month and opening is null) = 0
                then coalesce(sum(opening) filter (where month_start = first_month), 0)
            end as opening,
            case when count(*) = count(new) then sum(new) end as new,
            case when count(*) = count(expansion) then sum(expansion) end as expansion,
            case when count(*) = count(reactivation) then sum(reactivation) end as reactivation,
            case when count(*) = count(contraction) then sum(contraction) end as contraction,
            case when count(*) = count(churn) then sum(churn) end as churn,
            case when count(*) = count(currency) then sum(currency) end as currency,
            case
                when count(*) filter (where month_start = last_month and closing is null) = 0
                then coalesce(sum(closing) filter (where month_start = last_month), 0)
            end as closing
        from bounds
        inner join
            marts.fct_mrr_movements as movements
            on movements.month_start between bounds.first_month and bounds.last_month
        group by bounds.place, bounds.period, bounds.first_month, bounds.last_month
    ),

    steps(position, step, label, kind) as (
        values
            (1, 'opening', 'at the beginning', 'total'),
            (2, 'new', 'new customers', 'in'),
            (3, 'expansion', 'expansion', 'in'),
            (4, 'reactivation', 'came back', 'in'),
            (5, 'contraction', 'contraction', 'out'),
            (6, 'churn', 'churn', 'out'),
            (7, 'currency', 'exchange rates', 'either'),
            (8, 'closing', 'at the end', 'total')
    ),

    told as (
        select *
        from sums unpivot include nulls (
            told for step in (
                opening, new, expansion, reactivation, contraction, churn, currency, closing
            )
        )
    ),

    signed as (
        select
            told.place,
            told.period,
            told.first_month,
            told.last_month,
            told.customers,
            told.unknown_rows,
            steps.position,
            if(steps.step = 'closing' and told.place = 3, 'now', steps.label) as label,
            case
                when steps.kind <> 'either' then steps.kind when told.told < 0 then 'out' else 'in'
            end as kind,
            told.told as amount
        from told
        inner join steps using (step)
    ),

    final as (
        select
            *,
            case
                when kind = 'total' and position > 1 then amount
                when count(*) filter (where amount is null) over until_here = 0
                then sum(amount) over until_here
            end as reached
        from signed
        window until_here as (partition by period order by position)
    )

select
    * exclude (reached, place),
    case when kind = 'total' then 0 else reached - amount end as from_amount,
    reached as to_amount
from final
order by place, position
"""


def _mrr_says(rows: Rows) -> Sentence:
    by_label = {row["label"]: row["amount"] for row in rows}
    first = rows[0]
    parts: list[str | Figure] = [Figure(first["first_month"], "period", "month")]
    if first["last_month"] != first["first_month"]:
        parts += [" to ", Figure(first["last_month"], "period", "month")]
    parts += [
        ": recurring revenue went from ",
        Figure(by_label["at the beginning"], "money"),
        " to ",
        Figure(by_label.get("at the end", by_label.get("now")), "money"),
        "; new customers brought ",
        Figure(by_label["new customers"], "money"),
        ", churn took ",
        Figure(None if by_label["churn"] is None else abs(by_label["churn"]), "money"),
        ".",
    ]
    if first["unknown_rows"]:
        parts += [
            " ",
            Figure(first["unknown_rows"], "count"),
            " customers' months have no exchange rate: what they are part of is not known.",
        ]
    return tuple(parts)


MRR_BOARD = SpecialBoard(
    page="money",
    key="mrr_waterfall",
    title="How recurring revenue moved",
    note="A month's recurring revenue at the beginning and at the end of the period, and what came between. "
    "Over several months each month's movements are added up: who left and came back is in both.",
    query=MRR,
    table="fct_mrr_movements",
    choice=Column("period", "Period"),
    columns=(
        Column("first_month", "From", "period", by=None),
        Column("last_month", "To", "period", by=None),
        Column("label", "Step"),
        Column("amount", "Amount", "money"),
        Column("to_amount", "After it", "money"),
    ),
    chart=waterfall,
    says=_mrr_says,
    empty="No subscription had recurring revenue.",
)

COHORT_MONTHS = 12
COHORTS = f"""
with
    places as (
        select cohort_month, row_number() over (order by cohort_month desc) as place
        from marts.mart_retention_cohorts
        where months_since = 0 and cohort_customers > 0
    ),

    cells as (
        select *, count(*) over () as cells
        from marts.mart_retention_cohorts
        where cohort_customers > 0
    )

select
    measures.measure,
    measures.place as measure_place,
    cells.cohort_month,
    cells.months_since,
    cells.month_start,
    cells.cohort_customers,
    cells.customers,
    cells.cohort_money,
    cells.money,
    case when measures.place = 1 then cells.customer_retention else cells.money_retention end as retention,
    cells.basis,
    cells.cells as {OF_ALL}
from cells
inner join places using (cohort_month)
cross join (values (1, 'customers kept'), (2, 'money kept')) as measures(place, measure)
where places.place <= 18 and cells.months_since <= {COHORT_MONTHS}
order by measures.place, cells.cohort_month, cells.months_since
"""


def _cohorts_chart(rows: Rows) -> Spec:
    import altair as alt

    label = f"{month('slice(datum.value, 0, 10)')} + slice(datum.value, 10)"
    base = rows_by_name(names("cohort", None, label)).transform_calculate(
        cohort="datum.cohort_month + ' (' + format(datum.cohort_customers, ',') + ')'",
        text="!isValid(datum.retention) ? '?' : format(100 * datum.retention, '.0f')",
    )
    months = alt.X(
        "months_since:O",
        scale=alt.Scale(domain=list(range(COHORT_MONTHS + 1))),
        axis=alt.Axis(
            title="months since the first one",
            orient="top",
            labelAngle=0,
            ticks=False,
            domain=False,
        ),
    )
    shades = alt.Scale(domain=[0, 1], range=["#f2f6fb", BLUE], clamp=True)
    cells = (
        base.transform_filter("isValid(datum.retention)")
        .mark_rect(stroke="#fff", strokeWidth=1)
        .encode(
            months,
            alt.Color("retention:Q", scale=shades, legend=None),
            tooltip=[
                alt.Tooltip("cohort:N", title="Cohort"),
                alt.Tooltip("months_since:O", title="Months since"),
                alt.Tooltip("retention:Q", title=rows[0]["measure"], format=".1%"),
                alt.Tooltip("customers:Q", title="Customers then", format=","),
                alt.Tooltip("money:Q", title="Money then", format="$,.0f"),
            ],
        )
    )
    known = (
        base.transform_filter("isValid(datum.retention)")
        .mark_text(fontSize=11)
        .encode(
            months,
            text="text:N",
            color=alt.condition("datum.retention > 0.9", alt.value("#fff"), alt.value("#111")),
        )
    )
    unknown = (
        base.transform_filter("!isValid(datum.retention)")
        .mark_text(fontSize=11)
        .encode(months, text="text:N")
    )
    spec = finished(cells + known + unknown)
    return spec | {"height": {"step": 22}}


def _cohorts_says(rows: Rows) -> Sentence:
    of_year = [
        row for row in rows if row["months_since"] == COHORT_MONTHS and row["retention"] is not None
    ]
    what = rows[0]["measure"]
    if not of_year:
        return (f"No cohort is a year old: too early to say how much is kept ({what}).",)
    last = of_year[-1]
    return (
        "Of the cohort of ",
        Figure(last["cohort_month"], "period", "month"),
        " (",
        Figure(last["cohort_customers"], "count"),
        f" customers), after twelve months {'money' if what == 'money kept' else 'customers'} kept: ",
        Figure(last["retention"], "ratio"),
        ".",
    )


COHORTS_BOARD = SpecialBoard(
    page="money",
    key="cohorts",
    title="What stays of each month's new customers",
    note="A row is the customers that began in a month, their number in brackets; a cell the percentage that "
    "is left so many months later, the darker the more. The last cell of a row is as of now.",
    query=COHORTS,
    table="mart_retention_cohorts",
    choice=Column("measure", "Measure"),
    columns=(
        Column("cohort_month", "Cohort", "date"),
        Column("months_since", "Months since", "count"),
        Column("cohort_customers", "Customers at first", "count"),
        Column("customers", "Customers then", "count"),
        Column("cohort_money", "Money at first", "money"),
        Column("money", "Money then", "money"),
        Column("retention", "Kept", "ratio"),
    ),
    chart=_cohorts_chart,
    says=_cohorts_says,
    empty="No customer with recurring revenue or invoices is known.",
    top=18 * (COHORT_MONTHS + 1),
    things="cells of older cohorts and later months",
)

AGES = {
    "not due yet": BLUE,
    "up to 30 days late": SKY,
    "31 to 60": AMBER,
    "61 to 90": RED,
    "more than 90 days late": "#8f2d56",
    "paid on account": GREEN,
}
RECEIVABLES = """
with
    months as (
        select
            month_start,
            any_value(ends_on) as ends_on,
            bool_or(is_current) as is_current,
            count(*) - count(receivable) as customers_not_known,
            count(receivable) as customers,
            sum(receivable) as receivable,
            sum(overdue) as overdue,
            sum(not_due) as "not due yet",
            sum(days_0_30) - sum(not_due) as "up to 30 days late",
            sum(days_31_60) as "31 to 60",
            sum(days_61_90) as "61 to 90",
            sum(days_over_90) as "more than 90 days late",
            sum(on_account) as "paid on account"
        from marts.mart_receivables
        group by month_start
        qualify row_number() over (order by month_start desc) <= 13
    )

select *
from months unpivot include nulls (
    amount for age in (
        "not due yet",
        "up to 30 days late",
        "31 to 60",
        "61 to 90",
        "more than 90 days late",
        "paid on account"
    )
)
order by
    month_start,
    list_position(
        ['not due yet', 'up to 30 days late', '31 to 60', '61 to 90', 'more than 90 days late', 'paid on account'],
        age
    )
"""


def _receivables_chart(rows: Rows) -> Spec:
    import altair as alt

    now = [row["month_start"] for row in rows if row["is_current"]]
    label = f"indexof({now}, datum.value) >= 0 ? 'now' : {month('datum.value')}"
    base = rows_by_name(names("month_start", None, label))
    shown = {
        age: colour
        for age, colour in AGES.items()
        if any(r["age"] == age and r["amount"] for r in rows)
    }
    bars = (
        base.transform_filter("isValid(datum.amount) && datum.amount !== 0")
        .transform_calculate(rank=f"indexof({list(AGES)}, datum.age)")
        .mark_bar(height=18, stroke="#fff", strokeWidth=0.5)
        .encode(
            across("sum(amount):Q", "money", right=80),
            meaning("age", shown, columns=3),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("ends_on:N", title="At the end of"),
                alt.Tooltip("age:N", title="Age"),
                alt.Tooltip("amount:Q", title="Owed", format="$,.0f"),
                alt.Tooltip("receivable:Q", title="Of all owed", format="$,.0f"),
            ],
        )
    )
    words = (
        base.transform_aggregate(
            receivable="min(receivable)",
            owed="sum(positive)",
            missing="max(customers_not_known)",
            groupby=["month_start"],
        )
        .transform_calculate(
            text=f"({money('datum.receivable')}) + (datum.missing > 0 ? ' +?' : '')",
            at="isValid(datum.owed) ? datum.owed : 0",
        )
        .mark_text(align="left", dx=6)
        .encode(across("at:Q", "money", right=80), text="text:N")
    )
    words.transform = [
        alt.CalculateTransform(calculate="max(datum.amount, 0)", **{"as": "positive"}),
        *words.transform,
    ]
    return finished(bars + words)


def _receivables_says(rows: Rows) -> Sentence:
    last = rows[-1]
    parts: list[str | Figure] = [
        "Now ",
        Figure(last["receivable"], "money"),
        " is owed, ",
        Figure(last["overdue"], "money"),
        " of it is overdue",
    ]
    old = next(
        (row["amount"] for row in rows[::-1] if row["age"] == "more than 90 days late"), None
    )
    if old:
        parts += [", ", Figure(old, "money"), " for more than 90 days"]
    parts.append(".")
    if last["customers_not_known"]:
        parts += [
            " Of ",
            Figure(last["customers_not_known"], "count"),
            " customers it is not known what they owe; they are not in the sums.",
        ]
    return tuple(parts)


RECEIVABLES_BOARD = SpecialBoard(
    page="money",
    key="receivables",
    title="What customers owe, by how late it is",
    note="Open invoices with tax at the end of each of the last months. The number is what is owed in all; "
    "what was paid without an invoice is taken off.",
    query=RECEIVABLES,
    table="mart_receivables",
    columns=(
        Column("ends_on", "At the end of", "date"),
        Column("age", "Age"),
        Column("amount", "Owed", "money"),
        Column("receivable", "Of all owed", "money"),
        Column("customers", "Customers", "count"),
        Column("customers_not_known", "Customers not known", "count"),
    ),
    chart=_receivables_chart,
    says=_receivables_says,
    empty="There are no invoices.",
)

BOARDS = (CHANNELS_BOARD, SPEND_BOARD, MRR_BOARD, COHORTS_BOARD, RECEIVABLES_BOARD)
