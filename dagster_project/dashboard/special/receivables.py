"""What customers owe, by how late it is."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    AMBER,
    BLUE,
    GREEN,
    RED,
    SKY,
    across,
    finished,
    meaning,
    money,
    month,
    names,
    rows_by_name,
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
        [
            'not due yet',
            'up to 30 days late',
            '31 to 60',
            '61 to 90',
            'more than 90 days late',
            'paid on account'
        ],
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
            meaning("age", shown, columns=2),
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
        .encode(across("at:Q", "money", right=80), alt.Text("text:N"))
    )
    words.transform = [
        alt.CalculateTransform(calculate="max(datum.amount, 0)", **{"as": "positive"}),
        *words.transform,
    ]
    return finished(bars, words)


def _receivables_says(rows: Rows) -> Sentence:
    last = rows[-1]
    parts: list[str | Figure] = [
        "Now ",
        Figure(last["receivable"], "money"),
        " is owed in all; ",
        Figure(last["overdue"], "money"),
        " is overdue",
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
    note=(
        "Open invoices with tax at the end of each of the last months. The number is what is "
        "owed in all; what was paid without an invoice is taken off."
    ),
    query=RECEIVABLES,
    table="mart_receivables",
    sample=Sample("customers", "customers"),
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
