"""Boards of the page on people: beside their peers, getting going, and doing beside getting."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    GREY,
    RED,
    across,
    amount,
    finished,
    meaning,
    names,
    rows_by_name,
    shapes,
    unique,
)
from dagster_project.dashboard.special.model import (
    Column,
    Figure,
    Rows,
    Sentence,
    Spec,
    SpecialBoard,
)

METRICS = (
    *("quota_attainment", "revenue_won", "win_rate", "average_deal_size", "sales_cycle_days"),
    *("pipeline_created", "stage_conversion_rate", "activities", "lead_response_hours"),
)
SHOWN = 25
SCORECARDS = f"""
with
    of_metrics as (
        select *
        from people.marts.mart_rep_scorecard
        where variant = 'default' and metric in {METRICS} and is_active and value is not null
    ),

    -- The month of most people's last numbers that are over; who has none of then has no row.
    last_whole as (
        select metric, max(month_start) as month_start
        from of_metrics
        where is_over
        group by metric
    ),

    ranked as (
        select
            *,
            count(*) over (partition by metric) as n_of_all,
            row_number() over (
                partition by metric order by is_enough_data desc, n_included desc, rep_name, rep_id
            ) as place
        from of_metrics
        inner join last_whole using (metric, month_start)
    )

select
    replace(metric, '_', ' ') as metric_name,
    metric,
    unit,
    better,
    rep_id,
    if(
        count(*) over (partition by metric, rep_name) > 1, concat(rep_name, ' (', rep_id, ')'), rep_name
    ) as person,
    role,
    month_start,
    value,
    low,
    high,
    peer_median,
    n_peers,
    peer_group,
    own_trailing_6m,
    trailing_months,
    n_included,
    is_enough_data,
    n_of_all
from ranked
where place <= {SHOWN}
order by list_position({list(METRICS)}, metric), rep_name, rep_id
"""
SAID = {"enough to compare": BLUE, "too few to compare": GREY, "own six months before": GREY}
SHAPES = {
    "enough to compare": "circle",
    "too few to compare": "cross",
    "own six months before": "diamond",
}


def _scorecards_chart(rows: Rows) -> Spec:
    import altair as alt

    unit = rows[0]["unit"]
    base = rows_by_name(
        names("person", unique([row["person"] for row in rows]))
    ).transform_calculate(
        said="datum.is_enough_data ? 'enough to compare' : 'too few to compare'",
        before="'own six months before'",
        text=f"({amount('datum.value', unit)})"
        f" + (isValid(datum.peer_median) ? ' · peers ' + ({amount('datum.peer_median', unit)}) : '')",
        furthest="max(datum.value, isValid(datum.high) ? datum.high : 0,"
        " isValid(datum.peer_median) ? datum.peer_median : 0,"
        " isValid(datum.own_trailing_6m) ? datum.own_trailing_6m : 0)",
    )
    tooltip = [
        alt.Tooltip("person:N", title="Who"),
        alt.Tooltip("n_included:Q", title="Records", format=","),
        alt.Tooltip("peer_group:N", title="Peers by"),
        alt.Tooltip("n_peers:Q", title="Number of peers"),
    ]
    interval = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(strokeWidth=3, opacity=0.6)
        .encode(across("low:Q", unit, right=165), alt.X2("high"), meaning("said", SAID))
    )
    peers = (
        base.transform_filter("isValid(datum.peer_median)")
        .mark_tick(thickness=3, height=20, opacity=1)
        .encode(across("peer_median:Q", unit, right=165))
    )
    before = (
        base.transform_filter("isValid(datum.own_trailing_6m)")
        .mark_point(size=60, strokeWidth=2, opacity=1)
        .encode(
            across("own_trailing_6m:Q", unit, right=165),
            meaning("before", SAID),
            shapes("before", SHAPES),
        )
    )
    points = base.mark_point(size=90, filled=True, opacity=1).encode(
        across("value:Q", unit, right=165),
        meaning("said", SAID),
        shapes("said", SHAPES),
        tooltip=tooltip,
    )
    words = base.mark_text(align="left", dx=9).encode(
        across("furthest:Q", unit, right=165), text="text:N"
    )
    return finished(interval, peers, before, points, words)


def _scorecards_says(rows: Rows) -> Sentence:
    first = rows[0]
    judged = [row for row in rows if row["is_enough_data"] and row["peer_median"] is not None]
    apart = [
        row
        for row in judged
        if row["low"] is not None and not row["low"] <= row["peer_median"] <= row["high"]
    ]
    parts: list[str | Figure] = [
        Figure(first["month_start"], "period", "month"),
        f", {first['metric_name']}: ",
        Figure(len(judged), "count"),
        " of ",
        Figure(len(rows), "count"),
        " people have enough records and peers to be set beside them",
    ]
    if apart:
        parts += [
            "; ",
            Figure(len(apart), "count"),
            " are apart from the peers' median by more than chance",
        ]
    elif any(row["low"] is not None for row in judged):
        parts.append("; nobody is apart from the peers' median by more than chance")
    return (*parts, ".")


SCORECARDS_BOARD = SpecialBoard(
    page="people",
    key="scorecards",
    title="Each person beside their peers",
    note="The last whole month with its interval (95%) where it has one, the peers' median (upright mark) and "
    "the person's own six months before (diamond). By name, not by rank: look at what is far from both.",
    query=SCORECARDS,
    table="mart_rep_scorecard",
    choice=Column("metric_name", "Metric"),
    columns=(
        Column("person", "Who"),
        Column("role", "Role"),
        Column("month_start", "Month", "date"),
        Column("value", "Value", "unit", by="unit"),
        Column("low", "Lower bound", "unit", by="unit"),
        Column("high", "Upper bound", "unit", by="unit"),
        Column("peer_median", "Peers' median", "unit", by="unit"),
        Column("n_peers", "Peers", "count"),
        Column("own_trailing_6m", "Own six months before", "unit", by="unit"),
        Column("n_included", "Records", "count"),
        Column("is_enough_data", "Enough to compare?", "yes_no"),
    ),
    chart=_scorecards_chart,
    says=_scorecards_says,
    empty="Nobody has numbers of a month that is over.",
    top=SHOWN,
    things="people with fewer records",
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
    y = {"axis": alt.Axis(title=None, tickCount=4, format=".0%"), "scale": alt.Scale(zero=True)}
    layers = []
    # A month that is not over, or in which the person was here in part, is nobody's measure.
    usable = base.transform_filter("datum.is_over && datum.is_whole")
    for name, words, dash in (
        ("tenured_median", "tenured, median", [5, 3]),
        ("attainment", "this person", [1, 0]),
    ):
        one = usable.transform_calculate(who=f"'{words}'").encode(
            x, alt.Y(f"{name}:Q", **y), meaning("who", WHO)
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
            " more are in the first two years and not shown.",
        ]
    return tuple(parts)


RAMP_BOARD = SpecialBoard(
    page="people",
    key="ramp",
    title="Getting going",
    note="Quota attainment in the months since hiring, beside the median of those who have been here for a "
    "year in the same months. Months that were not whole are only in the table.",
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
    empty="Nobody is within two years of being hired, or nobody says when people were hired.",
)

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
        names("person", unique([row["person"] for row in rows]))
    ).transform_calculate(
        text="format(datum.activities, ',') + ' done · ' + format(datum.rate, '.0%') + ' of '"
        " + format(datum.records, ',')",
        furthest="max(datum.rate, isValid(datum.high) ? datum.high : 0,"
        " isValid(datum.peer_rate) ? datum.peer_rate : 0)",
    )
    interval = (
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(strokeWidth=3, opacity=0.6)
        .encode(across("low:Q", "ratio", right=165), alt.X2("high"), meaning("verdict", BUSY))
    )
    peers = (
        base.transform_filter("isValid(datum.peer_rate)")
        .mark_tick(thickness=3, height=20, opacity=1)
        .encode(across("peer_rate:Q", "ratio", right=165))
    )
    points = base.mark_point(size=90, filled=True, opacity=1).encode(
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
    words = base.mark_text(align="left", dx=9).encode(
        across("furthest:Q", "ratio", right=165), text="text:N"
    )
    return finished(interval, peers, points, words)


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
    note="People by how much they did in the last month that can be judged; the share of the deals and leads "
    "touched that went ahead within 30 days, with its interval (95%) and the peers' (upright mark).",
    query=ACTIVITY,
    table="mart_activity_quality",
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

BOARDS = (SCORECARDS_BOARD, RAMP_BOARD, ACTIVITY_BOARD)
