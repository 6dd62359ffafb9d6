-- The stages of each pipeline in order; stages that were taken out are marked as retired.
with
    stages as (select * from {{ ref("int_pipeline_stages__unioned") }}),

    final as (
        select
            pipeline_stage_key,
            source_instance,
            {{ or_none("pipeline") }} as pipeline,
            stage,
            stage_order,
            status,
            probability,
            forecast_category,
            is_deleted as is_retired
        from stages
    )

select *
from final
