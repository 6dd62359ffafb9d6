with
    stages as ({{ hubspot_stages() }}),

    final as (
        select
            {{
                staged_record_columns(
                    "hubspot", "pipeline_stages", "stages", source_id="stages.stage_id"
                )
            }},
            {{ no_extra_of("pipeline_stages") }}
            stages.pipeline,
            stages.label as stage,
            stages.display_order as stage_order,
            case
                when stages.is_no_decision
                then 'no_decision'
                when not coalesce(stages.is_closed, stages.probability in (0, 1), false)
                then 'open'
                when stages.probability = 1
                then 'won'
                else 'lost'
            end as status,
            stages.probability,
            cast(null as {{ dbt.type_string() }}) as forecast_category
        from stages
        where stages.object = 'deals'
    )

select *
from final
