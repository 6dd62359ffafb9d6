"""Each person beside their peers."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    GREY,
    INK,
    LOWER,
    TALL,
    above,
    across,
    amount,
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
        count(*) over (partition by metric, rep_name) > 1,
        concat(rep_name, ' (', rep_id, ')'),
        rep_name
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
        hidden("person", unique([row["person"] for row in rows]))
    ).transform_calculate(
        said="datum.is_enough_data ? 'enough to compare' : 'too few to compare'",
        before="'own six months before'",
        text=f"({amount('datum.value', unit)})"
        " + (isValid(datum.peer_median) ? ' · peers ' + ("
        f"{amount('datum.peer_median', unit)}) : '')",
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
        .mark_rule(yOffset=LOWER, strokeWidth=3, opacity=0.6)
        .encode(across("low:Q", unit, right=165), alt.X2("high"), meaning("said", SAID))
    )
    peers = (
        base.transform_filter("isValid(datum.peer_median)")
        .mark_tick(color=INK, yOffset=LOWER, thickness=3, height=20, opacity=1)
        .encode(across("peer_median:Q", unit, right=165))
    )
    before = (
        base.transform_filter("isValid(datum.own_trailing_6m)")
        .mark_point(yOffset=LOWER, size=60, strokeWidth=2, opacity=1)
        .encode(
            across("own_trailing_6m:Q", unit, right=165),
            meaning("before", SAID),
            shapes("before", SHAPES),
        )
    )
    points = base.mark_point(yOffset=LOWER, size=90, filled=True, opacity=1).encode(
        across("value:Q", unit, right=165),
        meaning("said", SAID),
        shapes("said", SHAPES),
        tooltip=tooltip,
    )
    words = base.mark_text(yOffset=LOWER, align="left", dx=9).encode(
        across("furthest:Q", unit, right=165), alt.Text("text:N")
    )
    return finished(above(base, "person"), interval, peers, before, points, words, band=TALL)


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
    note=(
        "The last whole month with its interval (95%) where it has one, the peers' median "
        "(upright mark) and the person's own six months before (diamond). By name, not by rank:"
        " look at what is far from both."
    ),
    query=SCORECARDS,
    table="mart_rep_scorecard",
    sample=Sample("n_included", "records"),
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
