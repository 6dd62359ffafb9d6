-- The stages of each pipeline in order; stages that were taken out are marked as retired. One that
-- was renamed is there once, under its name of now.
with
    stages as (select * from {{ ref("int_pipeline_stages__unioned") }}),

    renames as (select * from {{ ref("int_stage_renames") }}),

    former as (
        select
            source_instance,
            pipeline,
            stage,
            string_agg(distinct former_stage, ', ' order by former_stage) as former_names,
            max(case when is_inferred then 1 else 0 end) = 1 as is_rename_inferred
        from renames
        where former_stage <> stage
        group by source_instance, pipeline, stage
    ),

    final as (
        select
            stages.pipeline_stage_key,
            stages.source_instance,
            {{ or_none("stages.pipeline") }} as pipeline,
            stages.stage,
            stages.stage_order,
            stages.status,
            stages.probability,
            stages.forecast_category,
            stages.is_deleted as is_retired,
            former.former_names,
            coalesce(former.is_rename_inferred, false) as is_rename_inferred
        from stages
        left join
            former
            on stages.source_instance = former.source_instance
            and coalesce(stages.pipeline, '') = former.pipeline
            and stages.stage = former.stage
        left join
            renames as renamed
            on stages.source_instance = renamed.source_instance
            and coalesce(stages.pipeline, '') = renamed.former_pipeline
            and stages.stage = renamed.former_stage
        where renamed.former_stage is null
    )

select *
from final
