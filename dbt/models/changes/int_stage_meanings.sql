-- What a name of a stage means in a pipeline: the stage that bears it there now, or that bore it
-- before and goes on. The pipeline '' has the stages common to all pipelines of a source.
with
    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage
        from {{ ref("int_pipeline_stages__unioned") }}
    ),

    renames as (select * from {{ ref("int_stage_renames") }}),

    final as (
        select
            stages.source_instance,
            stages.pipeline,
            stages.stage as name,
            stages.pipeline as pipeline_now,
            stages.stage
        from stages
        left join
            renames
            on stages.source_instance = renames.source_instance
            and stages.pipeline = renames.former_pipeline
            and stages.stage = renames.former_stage
        where renames.former_stage is null

        union

        select
            source_instance,
            former_pipeline as pipeline,
            former_stage as name,
            pipeline as pipeline_now,
            stage
        from renames
    )

select *
from final
