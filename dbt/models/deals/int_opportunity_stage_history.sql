{{ increment("news", of=["int_opportunity_stage_changes", "int_opportunity_versions"]) }}
-- The moves of each deal between stages, as told or seen between versions, in order, each with the
-- status that it led to and the one before it.
--
-- A stage that no pipeline names is neither open nor closed: the status before it goes on. Of a
-- deal whose first change is told to leave a closed stage, the closing is not told, only that it
-- had closed by then: position 0.
with
    moves as (
        select
            opportunity_key,
            source_instance,
            coalesce(old_pipeline, '') as old_pipeline,
            old_stage,
            coalesce(pipeline, '') as pipeline,
            stage,
            changed_at,
            is_told,
            position
        from {{ ref("int_opportunity_stage_changes") }}
    ),

    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, status
        from {{ ref("int_stages__resolved") }}
        where pipeline_stage_key is not null
    ),

    first_versions as (
        select versions.opportunity_key, versions.stage, versions.seen_at
        from {{ ref("int_opportunity_versions") }} as versions
        inner join
            (
                select opportunity_key, min(load_number) as load_number
                from {{ ref("int_opportunity_versions") }}
                group by opportunity_key
            ) as firsts
            on versions.opportunity_key = firsts.opportunity_key
            and versions.load_number = firsts.load_number
    ),

    placed as (
        select
            moves.opportunity_key,
            moves.position,
            moves.changed_at,
            moves.is_told,
            moves.pipeline,
            moves.stage,
            stages.status,
            case when moves.position = 1 then moves.old_pipeline end as first_pipeline,
            case when moves.position = 1 then moves.old_stage end as first_stage,
            first_stages.status as first_status
        from moves
        left join
            stages
            on moves.source_instance = stages.source_instance
            and moves.pipeline = stages.pipeline
            and moves.stage = stages.stage
        left join
            stages as first_stages
            on moves.source_instance = first_stages.source_instance
            and moves.old_pipeline = first_stages.pipeline
            and case when moves.position = 1 then moves.old_stage end = first_stages.stage
    ),

    known as (
        select
            *,
            {{ last_known("coalesce(status, first_status)", "opportunity_key", "position") }}
            as known_status
        from placed
    ),

    followed as (
        select
            *,
            coalesce(
                lag(known_status) over (partition by opportunity_key order by position),
                first_status
            ) as status_before
        from known
    ),

    final as (
        select
            opportunity_key,
            position,
            changed_at,
            is_told,
            pipeline,
            stage,
            status,
            first_pipeline,
            first_stage,
            known_status,
            coalesce(
                status <> 'open' and status is distinct from status_before, false
            ) as is_closing
        from followed

        union all

        select
            placed.opportunity_key,
            0 as position,
            least(placed.changed_at, first_versions.seen_at) as changed_at,
            false as is_told,
            placed.first_pipeline as pipeline,
            placed.first_stage as stage,
            placed.first_status as status,
            null as first_pipeline,
            null as first_stage,
            placed.first_status as known_status,
            true as is_closing
        from placed
        left join
            first_versions
            on case when not placed.is_told then placed.opportunity_key end
            = first_versions.opportunity_key
            and placed.first_stage = first_versions.stage
        where placed.first_status <> 'open'
    )

select *
from final
