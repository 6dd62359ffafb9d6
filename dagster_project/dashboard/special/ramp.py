"""How people get going."""

from __future__ import annotations

from typing import Any

from dagster_project.dashboard.special.look import (
    BLUE,
    GREY,
    finished,
    meaning,
)
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Rows,
    Sentence,
    Spec,
    SpecialBoard,
)

RAMPED = 12

RAMP = f"""
with
    people_ramping as (
        select
            rep_id,
            hired_on,
            count(*) over () as people,
            row_number() over (order by hired_on desc, rep_id) as place
        from people.marts.mart_ramp
        group by rep_id, hired_on
    )

select
    concat(ramp.rep_name, ' (since ', strftime(ramp.hired_on, '%Y-%m-%d'), ')') as person,
    ramp.rep_id,
    ramp.hired_on,
    ramp.months_since_hire,
    ramp.month_start,
    ramp.attainment,
    ramp.tenured_median,
    ramp.tenured_reps,
    ramp.activities,
    ramp.tenured_activities_median,
    ramp.is_whole,
    ramp.is_over,
    ramp.days_to_first_deal,
    ramp.is_censored,
    ramp.days_to_full_quota,
    ramp.is_full_quota_censored,
    people_ramping.place,
    people_ramping.people
from people.marts.mart_ramp as ramp
inner join people_ramping using (rep_id, hired_on)
where people_ramping.place <= {RAMPED}
order by people_ramping.place, ramp.months_since_hire
"""

WHO = {"this person": BLUE, "tenured, median": GREY}


def _ramp_chart(rows: Rows) -> Spec:
    import altair as alt

    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "months_since_hire:Q",
        axis=alt.Axis(title="months since hiring", values=list(range(0, 25, 3)), grid=False),
        scale=alt.Scale(domain=[0, 24], nice=False),
    )
    y: Any = {
        "axis": alt.Axis(title=None, tickCount=4, format=".0%"),
        "scale": alt.Scale(zero=True),
    }
    layers = []
    # A month that is not over, or in which the person was here in part, is nobody's measure.
    usable = base.transform_filter("datum.is_over && datum.is_whole")
    for name, words, dash in (
        ("tenured_median", "tenured, median", [5, 3]),
        ("attainment", "this person", [1, 0]),
    ):
        one = usable.transform_calculate(who=f"'{words}'").encode(
            x, alt.Y(f"{name}:Q", **y), meaning("who", WHO, columns=2)
        )
        layers.append(one.mark_line(strokeDash=dash, strokeWidth=2))
        layers.append(
            one.transform_filter(f"isValid(datum.{name})")
            .mark_point(
                filled=True, size=45, opacity=1, shape="circle" if dash[1] == 0 else "square"
            )
            .encode(
                tooltip=[
                    alt.Tooltip("month_start:N", title="Month from"),
                    alt.Tooltip("attainment:Q", title="Attainment", format=".0%"),
                    alt.Tooltip("tenured_median:Q", title="Tenured, median", format=".0%"),
                    alt.Tooltip("activities:Q", title="Activities", format=",.0f"),
                    alt.Tooltip(
                        "tenured_activities_median:Q", title="Tenured, activities", format=",.0f"
                    ),
                ]
            )
        )
    return finished(*layers) | {"height": 220}


def _ramp_says(rows: Rows) -> Sentence:
    first = rows[0]
    parts: list[str | Figure] = [Figure(first["person"].rpartition(" (since ")[0], "text"), ": "]
    if first["days_to_first_deal"] is None:
        parts.append("the first deal was before the first record")
    elif first["is_censored"]:
        parts += ["no deal yet after ", Figure(first["days_to_first_deal"], "days")]
    else:
        parts += ["the first deal after ", Figure(first["days_to_first_deal"], "days")]
    if first["days_to_full_quota"] is not None:
        parts += [
            ", no full quota yet after "
            if first["is_full_quota_censored"]
            else ", a full quota after ",
            Figure(first["days_to_full_quota"], "days"),
        ]
    parts.append(".")
    if first["people"] > RAMPED:
        parts += [
            " The ",
            Figure(RAMPED, "count"),
            " hired last can be chosen; ",
            Figure(first["people"] - RAMPED, "count"),
            " more people are not shown.",
        ]
    return tuple(parts)


RAMP_BOARD = SpecialBoard(
    page="people",
    key="ramp",
    title="Getting going",
    note=(
        "Quota attainment in the months since hiring, beside the median of those who have been "
        "here for a year in the same months. Months that were not whole are only in the table."
    ),
    query=RAMP,
    table="mart_ramp",
    choice=Column("person", "Who"),
    columns=(
        Column("months_since_hire", "Months since hiring", "count"),
        Column("month_start", "Month", "date"),
        Column("attainment", "Attainment", "ratio"),
        Column("tenured_median", "Tenured, median", "ratio"),
        Column("tenured_reps", "Tenured people", "count"),
        Column("activities", "Activities", "count"),
        Column("tenured_activities_median", "Tenured, activities", "count"),
        Column("is_whole", "A whole month?", "yes_no"),
        Column("is_over", "Over?", "yes_no"),
    ),
    chart=_ramp_chart,
    says=_ramp_says,
    empty=("Nobody says when people were hired, or nothing is known of anybody's first two years."),
)
