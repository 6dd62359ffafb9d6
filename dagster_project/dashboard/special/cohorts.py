"""What stays of each month's new customers."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    finished,
    month,
    names,
    rows_by_name,
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
    if(measures.place = 1, cells.customer_retention, cells.money_retention) as retention,
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
            alt.Text("text:N"),
            color=alt.condition("datum.retention > 0.9", alt.value("#fff"), alt.value("#111")),
        )
    )
    unknown = (
        base.transform_filter("!isValid(datum.retention)")
        .mark_text(fontSize=11)
        .encode(months, alt.Text("text:N"))
    )
    return finished(cells, known, unknown, band=22)


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
        f" customers), {what} after twelve months: ",
        Figure(last["retention"], "ratio"),
        ".",
    )


COHORTS_BOARD = SpecialBoard(
    page="money",
    key="cohorts",
    title="What stays of each month's new customers",
    note=(
        "A row is the customers that began in a month, their number in brackets; a cell the "
        "percentage that is left so many months later, the darker the more. The last cell of a "
        "row is as of now."
    ),
    query=COHORTS,
    table="mart_retention_cohorts",
    sample=Sample("cohort_customers", "customers at first"),
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
