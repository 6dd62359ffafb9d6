"""How the pipeline moved, step by step."""

from __future__ import annotations

from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Rows,
    Sentence,
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
    note=(
        "From the open amount at the beginning to that at the end, step by step. Created is with "
        "the amount of then: what was raised or cut since is a step of its own."
    ),
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
