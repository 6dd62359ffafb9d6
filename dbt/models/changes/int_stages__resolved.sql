-- Every stage that a deal is, was or may have been in, with what the pipeline says of it.
--
-- A stage is looked for in the deal's pipeline, then among stages common to all pipelines, then in
-- any other pipeline (a deal may have come from one), first in the deal's own source; one that was
-- retired still tells what it was. A stage that no pipeline names counts as open: a deal that was
-- somewhere unknown was not yet closed.
--
-- A stage is known by source, pipeline and name. Its label says more than the name only where other
-- pipelines, or sources, have a stage of this name.
with
    stages as (select * from {{ ref("int_pipeline_stages__unioned") }}),

    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    changes as (select * from {{ ref("int_opportunity_stage_changes") }}),

    used as (
        select
            opportunities.source_instance,
            coalesce(nullif(renames.pipeline, ''), opportunities.pipeline) as pipeline,
            coalesce(renames.stage, opportunities.stage) as stage
        from opportunities
        left join
            {{ ref("int_stage_renames") }} as renames
            on opportunities.source_instance = renames.source_instance
            and coalesce(opportunities.pipeline, '') = renames.former_pipeline
            and opportunities.stage = renames.former_stage

        union

        select source_instance, pipeline, stage
        from changes
        where stage is not null

        union

        select source_instance, old_pipeline as pipeline, old_stage as stage
        from changes
        where old_stage is not null
    ),

    named as (
        select source_instance, pipeline, stage
        from used

        union

        select source_instance, pipeline, stage
        from opportunities

        union

        select source_instance, pipeline, last_open_stage as stage
        from opportunities
        where last_open_stage is not null

        union

        -- What only earlier versions of a deal tell is a stage that its pipeline has.
        select pipelines.source_instance, pipelines.pipeline, stages.stage
        from (select distinct source_instance, pipeline from used) as pipelines
        inner join
            stages
            on pipelines.source_instance = stages.source_instance
            and (stages.pipeline is null or stages.pipeline = pipelines.pipeline)

        union

        select source_instance, pipeline, stage
        from stages
        where pipeline is not null
    ),

    matched as (
        select
            named.source_instance,
            named.pipeline,
            named.stage,
            stages.pipeline_stage_key,
            coalesce(named.pipeline, stages.pipeline) as pipeline_of_stage,
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

    resolved as (select * from matched where choice = 1),

    places as (
        select resolved.stage, resolved.source_instance, resolved.pipeline_of_stage as pipeline
        from resolved
        inner join
            used
            on resolved.source_instance = used.source_instance
            and resolved.pipeline is not distinct from used.pipeline
            and resolved.stage = used.stage

        union

        select stage, source_instance, pipeline
        from stages
        where pipeline is not null and not is_deleted
    ),

    names as (
        select
            stage,
            coalesce(pipeline, '') as pipeline,
            count(*) as of_pipeline,
            sum(count(*)) over (partition by stage) as of_stage
        from places
        group by stage, coalesce(pipeline, '')
    ),

    final as (
        select
            resolved.source_instance,
            resolved.pipeline,
            resolved.stage,
            case
                when names.of_stage > 1
                then
                    resolved.stage
                    || ' ('
                    || case
                        when names.of_pipeline = 1
                        then coalesce(resolved.pipeline_of_stage, 'no pipeline')
                        else
                            coalesce(resolved.pipeline_of_stage || ', ', '')
                            || resolved.source_instance
                    end
                    || ')'
                else resolved.stage
            end as stage_label,
            resolved.pipeline_stage_key,
            resolved.stage_order,
            coalesce(resolved.status, 'open') as status,
            resolved.probability,
            resolved.forecast_category
        from resolved
        left join
            names
            on resolved.stage = names.stage
            and coalesce(resolved.pipeline_of_stage, '') = names.pipeline
    )

select *
from final
