{{ config(meta={"dagster": {"ref": {"name": "mart_pipeline_changes"}}}) }}
{%- set windows = [
    ("month_start", current_month()),
    ("quarter_start", fiscal_period_start(current_month(), "quarter")),
] -%}
-- Whatever came into the pipeline or left it since then is a change, and no other change of a
-- deal's place has an effect. The bridge calls re-opened what was restored, too. A deal of which
-- nobody knows since when it is open comes into the bridge now, and is no change.
with
    undated as (
        select distinct opportunity_key
        from {{ ref("int_opportunity_states") }}
        where valid_from is null
    ),

    crossings as (
        select opportunity_key, happened_at, coalesce(left_by, came_by) as movement
        from {{ ref("int_pipeline_steps") }}
        where was_open <> is_open
    ),

    moved as (
        {%- for since, first_day in windows %}
            select distinct '{{ since }}' as since, opportunity_key, movement
            from crossings
            where happened_at >= {{ day_start(first_day) }} {{ 'union all ' if not loop.last }}
        {%- endfor %}
    ),

    changed as (
        select distinct
            since,
            opportunity_key,
            case movement when 'restored' then 'reopened' else movement end as movement,
            coalesce(pipeline_effect, 1) <> 0 as has_effect
        from {{ ref("mart_pipeline_changes") }}
        where
            since in ('month_start', 'quarter_start')
            and field in ('created_at', 'is_deleted', 'merged_into_id', 'stage')
    )

select
    coalesce(moved.since, changed.since) as since,
    coalesce(moved.opportunity_key, changed.opportunity_key) as opportunity_key,
    moved.movement as bridge_movement,
    changed.movement as change
from moved
full join
    changed
    on moved.since = changed.since
    and moved.opportunity_key = changed.opportunity_key
    and moved.movement = changed.movement
left join
    undated on coalesce(moved.opportunity_key, changed.opportunity_key) = undated.opportunity_key
where
    undated.opportunity_key is null
    and (changed.movement is null or (moved.movement is null and changed.has_effect))
