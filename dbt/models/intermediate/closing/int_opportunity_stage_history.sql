-- The moves of each deal between stages, as told or seen between versions, in order, each with the
-- status that it led to and the one before it.
--
-- A stage that no pipeline names is neither open nor closed: the status before it goes on.
with
    moves as (
        select
            opportunity_key,
            source_instance,
            coalesce(pipeline, '') as pipeline,
            old_value,
            new_value,
            changed_at,
            is_told,
            position
        from {{ ref("int_opportunity_changes") }}
        where field = 'stage'
    ),

    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, status
        from {{ ref("int_stages__resolved") }}
        where pipeline_stage_key is not null
    ),

    placed as (
        select
            moves.opportunity_key,
            moves.position,
            moves.changed_at,
            moves.is_told,
            moves.new_value as stage,
            stages.status,
            case when moves.position = 1 then moves.old_value end as first_stage,
            first_stages.status as first_status,
            {{ last_known("stages.status", "moves.opportunity_key", "moves.position") }}
            as known_status
        from moves
        left join
            stages
            on moves.source_instance = stages.source_instance
            and moves.pipeline = stages.pipeline
            and moves.new_value = stages.stage
        left join
            stages as first_stages
            on moves.position = 1
            and moves.source_instance = first_stages.source_instance
            and moves.pipeline = first_stages.pipeline
            and moves.old_value = first_stages.stage
    ),

    followed as (
        select
            *,
            coalesce(
                lag(known_status) over (partition by opportunity_key order by position),
                first_value(first_status) over (partition by opportunity_key order by position)
            ) as status_before
        from placed
    ),

    final as (
        select
            opportunity_key,
            position,
            changed_at,
            is_told,
            stage,
            status,
            first_stage,
            known_status,
            coalesce(
                status <> 'open' and status is distinct from status_before, false
            ) as is_closing
        from followed
    )

select *
from final
