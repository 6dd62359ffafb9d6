-- Every stage that a deal is, was or may have been in, with what the pipeline says of it.
--
-- A stage is looked for in the deal's pipeline, then among stages common to all pipelines, then in
-- any other pipeline (a deal may have come from one), first in the deal's own source; one that was
-- retired still tells what it was. A stage that no pipeline names counts as open: a deal that was
-- somewhere unknown was not yet closed.
with
    stages as (select * from {{ ref("int_pipeline_stages__unioned") }}),

    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    moves as (
        select distinct
            opportunities.source_instance,
            opportunities.pipeline,
            changes.old_value as old_stage,
            changes.new_value as new_stage
        from {{ ref("int_field_changes__unioned") }} as changes
        inner join
            opportunities
            on changes.source_instance = opportunities.source_instance
            and changes.entity_id = opportunities.source_id
        where changes.entity = 'opportunities' and changes.field = 'stage'
    ),

    named as (
        select source_instance, pipeline, stage
        from opportunities

        union

        select source_instance, pipeline, last_open_stage as stage
        from opportunities
        where last_open_stage is not null

        union

        select source_instance, pipeline, new_stage as stage
        from moves

        union

        select source_instance, pipeline, old_stage as stage
        from moves
        where old_stage is not null

        union

        -- What only earlier versions of a deal tell is a stage that its pipeline has.
        select pipelines.source_instance, pipelines.pipeline, stages.stage
        from (select distinct source_instance, pipeline from opportunities) as pipelines
        inner join
            stages
            on pipelines.source_instance = stages.source_instance
            and (stages.pipeline is null or stages.pipeline = pipelines.pipeline)
    ),

    matched as (
        select
            named.source_instance,
            named.pipeline,
            named.stage,
            stages.pipeline_stage_key,
            stages.stage_order,
            stages.status,
            stages.probability,
            stages.forecast_category,
            row_number() over (
                partition by named.source_instance, named.pipeline, named.stage
                order by
                    case when stages.source_instance = named.source_instance then 0 else 1 end,
                    case
                        when stages.pipeline = named.pipeline
                        then 0
                        when stages.pipeline is null
                        then 1
                        else 2
                    end,
                    case when stages.is_deleted then 1 else 0 end,
                    stages.source_instance,
                    stages.pipeline,
                    stages.stage_order
            ) as choice
        from named
        left join stages on named.stage = stages.stage
    ),

    final as (
        select
            source_instance,
            pipeline,
            stage,
            pipeline_stage_key,
            stage_order,
            coalesce(status, 'open') as status,
            probability,
            forecast_category
        from matched
        where choice = 1
    )

select *
from final
