-- Every stage that a deal is or was in, with its place among the open stages of the pipeline that
-- it belongs to. A stage that was taken out still has its place, but nobody has to pass it.
with
    resolved as (select * from {{ ref("int_stages__resolved") }}),

    stages as (
        select *, source_instance || '|' || coalesce(pipeline, '') as path
        from {{ ref("int_pipeline_stages__unioned") }}
    ),

    passable as (select path, stage_order from stages where status = 'open' and not is_deleted),

    placed as (
        select
            stages.pipeline_stage_key,
            stages.path,
            count(case when passable.stage_order < stages.stage_order then 1 end) as open_before,
            count(case when passable.stage_order <= stages.stage_order then 1 end) as open_up_to,
            count(distinct passable.stage_order) as open_steps
        from stages
        left join passable on stages.path = passable.path
        group by stages.pipeline_stage_key, stages.path
    ),

    final as (
        select
            resolved.source_instance,
            resolved.pipeline,
            resolved.stage,
            resolved.stage_label,
            resolved.stage_order,
            resolved.status,
            placed.path,
            placed.open_before,
            placed.open_up_to,
            placed.open_steps
        from resolved
        left join placed on resolved.pipeline_stage_key = placed.pipeline_stage_key
    )

select *
from final
