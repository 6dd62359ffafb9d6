"""How recurring revenue moved."""

from __future__ import annotations

from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Rows,
    Sentence,
    SpecialBoard,
)
from dagster_project.dashboard.special.waterfall import waterfall

MRR = """
with
    months as (
        select
            period_start as month_start,
            row_number() over (order by period_start desc) as months_back,
            value,
            n_excluded
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
            max(months.month_start) as last_month,
            arg_max(months.n_excluded, months.month_start) as left_out,
            max_by(months.value is null, months.month_start) as is_kpi_unknown
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
            bounds.left_out,
            bounds.is_kpi_unknown,
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
        group by all
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
            told.left_out,
            told.is_kpi_unknown,
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
    if first["left_out"]:
        parts += [
            " Subscriptions left out at the end, by `mrr`: ",
            Figure(first["left_out"], "count"),
            "; so many that it gives no number." if first["is_kpi_unknown"] else ".",
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
    note=(
        "A month's recurring revenue at the beginning and at the end of the period, and what "
        "came between. Over several months each month's movements are added up: who left and "
        "came back is in both."
    ),
    query=MRR,
    table="fct_mrr_movements",
    choice=Column("period", "Period"),
    columns=(
        Column("first_month", "From", "period", by=None),
        Column("last_month", "To", "period", by=None),
        Column("label", "Step"),
        Column("amount", "Amount", "money"),
        Column("to_amount", "After it", "money"),
        Column("left_out", "Subscriptions left out", "count"),
    ),
    chart=waterfall,
    says=_mrr_says,
    empty="No subscription had recurring revenue.",
)
