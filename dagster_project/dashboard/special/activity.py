"""What is done beside what comes of it."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    GREY,
    INK,
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

SHOWN = 25
ACTIVITY = f"""
with
    judged as (
        select *
        from marts.mart_activity_quality
        where records > 0
    ),

    -- The last month of which most can be judged: later ones have not had their 30 days.
    last_judged as (
        select activity_type, max(month_start) as month_start
        from judged
        where is_enough_data
        group by activity_type
    ),

    ranked as (
        select
            *,
            count(*) over (partition by activity_type) as n_of_all,
            row_number() over (
                partition by activity_type order by activities desc, rep_name, rep_id
            ) as place
        from judged
        inner join last_judged using (activity_type, month_start)
    )

select
    activity_type,
    rep_id,
    if(
        count(*) over (partition by activity_type, rep_name) > 1,
        concat(rep_name, ' (', rep_id, ')'),
        rep_name
    ) as person,
    month_start,
    activities,
    activities_percentile,
    records_touched,
    records,
    outcomes,
    rate,
    low,
    high,
    peer_rate,
    n_peers,
    is_enough_data,
    is_busy_without_results,
    case
        when is_busy_without_results then 'busy without results'
        when is_enough_data then 'enough to say'
        else 'too few to say'
    end as verdict,
    sum(activities) over (partition by activity_type) as all_activities,
    n_of_all
from ranked
where place <= {SHOWN}
order by all_activities desc, activity_type, place
"""

BUSY = {"enough to say": BLUE, "busy without results": RED, "too few to say": GREY}

BUSY_SHAPES = ["circle", "triangle-down", "cross"]


def _activity_chart(rows: Rows) -> Spec:
    import altair as alt

    base = rows_by_name(
        hidden("person", unique([row["person"] for row in rows]))
    ).transform_calculate(
        text="format(datum.activities, ',') + ' done · ' + format(datum.rate, '.0%') + ' of '"
        " + format(datum.records, ',')",
        furthest="max(datum.rate, isValid(datum.high) ? datum.high : 0,"
        " isValid(datum.peer_rate) ? datum.peer_rate : 0)",
    )
    interval = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(yOffset=LOWER, strokeWidth=3, opacity=0.6)
        .encode(across("low:Q", "ratio", right=165), alt.X2("high"), meaning("verdict", BUSY))
    )
    peers = (
        base.transform_filter("isValid(datum.peer_rate)")
        .mark_tick(color=INK, yOffset=LOWER, thickness=3, height=20, opacity=1)
        .encode(across("peer_rate:Q", "ratio", right=165))
    )
    points = base.mark_point(yOffset=LOWER, size=90, filled=True, opacity=1).encode(
        across("rate:Q", "ratio", right=165),
        meaning("verdict", BUSY),
        shapes("verdict", dict(zip(BUSY, BUSY_SHAPES, strict=True))),
        tooltip=[
            alt.Tooltip("person:N", title="Who"),
            alt.Tooltip("activities:Q", title="Done", format=","),
            alt.Tooltip("records:Q", title="Deals and leads judged", format=","),
            alt.Tooltip("outcomes:Q", title="Advanced", format=","),
            alt.Tooltip("peer_rate:Q", title="Peers", format=".1%"),
        ],
    )
    words = base.mark_text(yOffset=LOWER, align="left", dx=9).encode(
        across("furthest:Q", "ratio", right=165), alt.Text("text:N")
    )
    return finished(above(base, "person"), interval, peers, points, words, band=TALL)


def _activity_says(rows: Rows) -> Sentence:
    first = rows[0]
    busy = [row for row in rows if row["is_busy_without_results"]]
    judged = sum(bool(row["is_enough_data"]) for row in rows)
    parts: list[str | Figure] = [
        Figure(first["month_start"], "period", "month"),
        f", {first['activity_type']}: of ",
        Figure(len(rows), "count"),
        " people ",
        Figure(judged, "count"),
        " have enough records to say anything",
    ]
    if busy:
        parts += [
            "; much done and little moved: ",
            Figure(", ".join(row["person"] for row in busy), "text"),
            ". One month proves nothing: look whether it comes again",
        ]
    return (*parts, ".")


ACTIVITY_BOARD = SpecialBoard(
    page="people",
    key="activity_and_outcome",
    title="What is done beside what comes of it",
    note=(
        "People by how much they did in the last month that can be judged; the share of the "
        "deals and leads touched that went ahead within 30 days, with its interval (95%) and "
        "the peers' (upright mark)."
    ),
    query=ACTIVITY,
    table="mart_activity_quality",
    sample=Sample("records", "deals and leads judged"),
    choice=Column("activity_type", "Activity"),
    columns=(
        Column("person", "Who"),
        Column("month_start", "Month", "date"),
        Column("activities", "Done", "count"),
        Column("activities_percentile", "Share of peers who did less", "ratio"),
        Column("records", "Deals and leads judged", "count"),
        Column("outcomes", "Went ahead", "count"),
        Column("rate", "Share", "ratio"),
        Column("low", "Lower bound", "ratio"),
        Column("high", "Upper bound", "ratio"),
        Column("peer_rate", "Peers", "ratio"),
        Column("n_peers", "Number of peers", "count"),
        Column("verdict", "Verdict"),
    ),
    chart=_activity_chart,
    says=_activity_says,
    empty="No activity has had its 30 days with enough records to judge anybody by.",
    top=SHOWN,
    things="people who did less",
)
