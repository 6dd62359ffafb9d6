{%- set of = [
    "int_opportunities__unioned",
    "int_opportunity_changes",
    "int_opportunities_to_place",
] -%}
{{ increment("news", of=of) }}
{%- set in_order = "events.changed_at, events.turn" -%}
-- The changes of each deal's place, its pipeline and stage, in order, with the place before.
-- A stage is read in the pipeline of its moment. Stage and pipeline changed within a second are one
-- move; a pipeline changed alone is one to the stage of the same name there. A stage that this does
-- not have is one of the deal's other pipelines, or of the only one in the source that has it. A
-- former name of a stage is that of now, and what only renamed one is no change.
with
    opportunities as (
        select opportunity_key, source_instance, coalesce(pipeline, '') as pipeline, stage
        from {{ ref("int_opportunities__unioned") }}
    ),

    changes as (
        select
            field_change_key,
            opportunity_key,
            source_instance,
            coalesce(pipeline, '') as pipeline,
            field,
            old_value,
            new_value,
            changed_at,
            is_told,
            position
        from {{ ref("int_opportunity_changes") }}
        where field in ('stage', 'pipeline')
    ),

    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, min(status) as status
        from {{ ref("int_pipeline_stages__unioned") }}
        group by source_instance, coalesce(pipeline, ''), stage
    ),

    meanings as (select * from {{ ref("int_stage_meanings") }}),

    to_place as (select * from {{ ref("int_opportunities_to_place") }}),

    odd_changes as (
        select changes.*, to_place.tells_pipelines
        from changes
        inner join to_place on changes.opportunity_key = to_place.opportunity_key
    ),

    stage_changes as (select * from odd_changes where field = 'stage'),

    pipeline_changes as (
        select
            field_change_key,
            opportunity_key,
            coalesce(old_value, new_value, '') as old_pipeline,
            coalesce(new_value, '') as new_pipeline,
            changed_at,
            is_told,
            position
        from odd_changes
        where field = 'pipeline' and tells_pipelines
    ),

    near as (
        select
            pipeline_changes.field_change_key as pipeline_change_key,
            stage_changes.field_change_key as stage_change_key,
            pipeline_changes.new_pipeline,
            pipeline_changes.position,
            stage_changes.position as stage_position,
            abs(
                {{
                    microseconds_between(
                        "pipeline_changes.changed_at", "stage_changes.changed_at"
                    )
                }}
            ) as apart
        from pipeline_changes
        inner join stage_changes on pipeline_changes.opportunity_key = stage_changes.opportunity_key
    ),

    together as (
        select
            *,
            row_number() over (
                partition by pipeline_change_key order by apart, stage_position
            ) as choice
        from near
        where apart < 1000000
    ),

    taken_along as (
        select
            stage_change_key,
            new_pipeline,
            row_number() over (partition by stage_change_key order by position desc) as choice
        from together
        where choice = 1
    ),

    -- Where a deal was before its first change: what it was in all along, if no change of it is
    -- told. Of one that has closed since, though nothing tells how, nobody knows.
    beginnings as (
        select
            opportunities.opportunity_key,
            opportunities.source_instance,
            case
                when first_stages.opportunity_key is not null
                then first_stages.old_value
                when coalesce(stages.status, 'open') = 'open'
                then opportunities.stage
            end as stage,
            coalesce(first_pipelines.old_pipeline, opportunities.pipeline) as pipeline,
            to_place.is_settled
        from opportunities
        inner join to_place on opportunities.opportunity_key = to_place.opportunity_key
        left join
            stage_changes as first_stages
            on opportunities.opportunity_key = first_stages.opportunity_key
            and first_stages.position = 1
        left join
            pipeline_changes as first_pipelines
            on opportunities.opportunity_key = first_pipelines.opportunity_key
            and first_pipelines.position = 1
        left join
            stages
            on opportunities.source_instance = stages.source_instance
            and opportunities.pipeline = stages.pipeline
            and opportunities.stage = stages.stage
    ),

    events as (
        select
            stage_changes.field_change_key,
            stage_changes.opportunity_key,
            'stage' as field,
            stage_changes.changed_at,
            stage_changes.is_told,
            stage_changes.position as turn,
            stage_changes.old_value as old_stage,
            stage_changes.new_value as stage,
            taken_along.new_pipeline as pipeline
        from stage_changes
        left join
            taken_along
            on stage_changes.field_change_key = taken_along.stage_change_key
            and taken_along.choice = 1

        union all

        select
            pipeline_changes.field_change_key,
            pipeline_changes.opportunity_key,
            'pipeline' as field,
            pipeline_changes.changed_at,
            pipeline_changes.is_told,
            pipeline_changes.position as turn,
            null as old_stage,
            null as stage,
            pipeline_changes.new_pipeline as pipeline
        from pipeline_changes
        left join
            together
            on pipeline_changes.field_change_key = together.pipeline_change_key
            and together.choice = 1
        where together.pipeline_change_key is null
    ),

    filled as (
        select
            events.field_change_key,
            events.opportunity_key,
            events.field,
            events.changed_at,
            events.is_told,
            events.old_stage,
            row_number() over (
                partition by events.opportunity_key order by {{ in_order }}
            ) as position,
            {%- for held in ["stage", "pipeline"] %}
                coalesce(
                    {{ last_known("events." ~ held, "events.opportunity_key", in_order) }},
                    beginnings.{{ held }}
                ) as {{ held }},
            {%- endfor %}
            beginnings.source_instance,
            beginnings.stage as first_stage,
            beginnings.pipeline as first_pipeline,
            beginnings.is_settled
        from events
        inner join beginnings on events.opportunity_key = beginnings.opportunity_key
    ),

    followed as (
        select
            *,
            coalesce(
                old_stage,
                lag(stage) over (partition by opportunity_key order by position),
                first_stage
            ) as stage_before,
            coalesce(
                lag(pipeline) over (partition by opportunity_key order by position), first_pipeline
            ) as pipeline_before
        from filled
    ),

    sides as (
        {%- for side, suffix in [("before", "_before"), ("after", "")] %}
            select
                opportunity_key,
                source_instance,
                position,
                '{{ side }}' as side,
                stage{{ suffix }} as name,
                pipeline{{ suffix }} as pipeline,
                is_settled
            from followed {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    of_deals as (
        select opportunity_key, pipeline
        from beginnings

        union

        select opportunity_key, new_pipeline as pipeline
        from pipeline_changes

        union

        select opportunities.opportunity_key, opportunities.pipeline
        from opportunities
        inner join to_place on opportunities.opportunity_key = to_place.opportunity_key
    ),

    only_ones as (
        select source_instance, name, min(pipeline) as pipeline
        from meanings
        group by source_instance, name
        having count(distinct pipeline) = 1
    ),

    -- The pipelines in which a name may be meant: 0 that of the moment, 1 another one of the
    -- deal's, 2 the only one of the source that has it.
    elsewhere as (
        select sides.*
        from sides
        inner join
            (select distinct source_instance, pipeline from meanings where pipeline <> '') as listed
            on sides.source_instance = listed.source_instance
            and sides.pipeline = listed.pipeline
        where sides.is_settled
    ),

    possible as (
        select opportunity_key, position, side, source_instance, name, pipeline, 0 as preference
        from sides

        union all

        select
            elsewhere.opportunity_key,
            elsewhere.position,
            elsewhere.side,
            elsewhere.source_instance,
            elsewhere.name,
            of_deals.pipeline,
            1 as preference
        from elsewhere
        inner join of_deals on elsewhere.opportunity_key = of_deals.opportunity_key

        union all

        select
            elsewhere.opportunity_key,
            elsewhere.position,
            elsewhere.side,
            elsewhere.source_instance,
            elsewhere.name,
            only_ones.pipeline,
            2 as preference
        from elsewhere
        inner join
            only_ones
            on elsewhere.source_instance = only_ones.source_instance
            and elsewhere.name = only_ones.name
    ),

    meant as (
        select
            possible.opportunity_key,
            possible.position,
            possible.side,
            meanings.stage,
            case
                when meanings.pipeline_now = '' then possible.pipeline else meanings.pipeline_now
            end as pipeline,
            row_number() over (
                partition by possible.opportunity_key, possible.position, possible.side
                order by
                    possible.preference,
                    case when meanings.pipeline = '' then 1 else 0 end,
                    possible.pipeline,
                    meanings.pipeline_now,
                    meanings.stage
            ) as choice
        from possible
        inner join
            meanings
            on possible.source_instance = meanings.source_instance
            and meanings.pipeline in (possible.pipeline, '')
            and possible.name = meanings.name
    ),

    placed as (
        select
            followed.field_change_key,
            followed.opportunity_key,
            followed.source_instance,
            followed.field,
            followed.changed_at,
            followed.is_told,
            followed.position,
            coalesce(before.pipeline, followed.pipeline_before) as old_pipeline,
            coalesce(before.stage, followed.stage_before) as old_stage,
            coalesce(after.pipeline, followed.pipeline) as pipeline,
            coalesce(after.stage, followed.stage) as stage
        from followed
        {%- for side in ["before", "after"] %}
            left join
                meant as {{ side }}
                on followed.opportunity_key = {{ side }}.opportunity_key
                and followed.position = {{ side }}.position
                and {{ side }}.side = '{{ side }}'
                and {{ side }}.choice = 1
        {%- endfor %}
    ),

    compared as (
        select
            *,
            lag(stage) over (partition by opportunity_key order by position) as previous_stage,
            lag(pipeline) over (partition by opportunity_key order by position) as previous_pipeline
        from placed
    ),

    moved as (
        select *, row_number() over (partition by opportunity_key order by position) as nth
        from compared
        where
            (field = 'stage' or stage is not null)
            and (
                old_stage is null
                or stage is distinct from old_stage
                or pipeline <> old_pipeline
                or stage is distinct from coalesce(previous_stage, stage)
                or pipeline <> coalesce(previous_pipeline, pipeline)
            )
    ),

    final as (
        select
            field_change_key,
            opportunity_key,
            source_instance,
            field,
            nullif(old_pipeline, '') as old_pipeline,
            old_stage,
            nullif(pipeline, '') as pipeline,
            stage,
            changed_at,
            is_told,
            nth as position
        from moved

        union all

        select
            changes.field_change_key,
            changes.opportunity_key,
            changes.source_instance,
            changes.field,
            nullif(changes.pipeline, '') as old_pipeline,
            changes.old_value as old_stage,
            nullif(changes.pipeline, '') as pipeline,
            changes.new_value as stage,
            changes.changed_at,
            changes.is_told,
            changes.position
        from changes
        left join to_place on changes.opportunity_key = to_place.opportunity_key
        where changes.field = 'stage' and to_place.opportunity_key is null
    )

select *
from final
