{#- Seven models read the changes, which are found by a window over all values: they are kept. -#}
{{
    increment(
        "histories",
        of={
            "int_hubspot__history": [
                "(source_instance, object_id)",
                "(source_instance, entity_id)",
            ]
        },
        key="(source_instance, entity_id)",
    )
}}
with
    history as (select * from {{ ref("int_hubspot__history") }}),

    stages as (select * from {{ ref("int_hubspot__deal_stages") }}),

    pipelines as (
        select distinct source_instance, pipeline_id, pipeline
        from {{ ref("int_hubspot__deal_stages") }}
    ),

    owners as (select * from {{ ref("int_hubspot__owners") }}),

    -- Values in the contract's words: names of stages, days in the company's time zone.
    values_in_words as (
        select
            history.*,
            case
                history.property
                when 'dealstage'
                then 'stage'
                when 'closedate'
                then 'close_date'
                when 'hubspot_owner_id'
                then 'owner_id'
                when 'hs_manual_forecast_category'
                then 'forecast_category'
                when 'deal_currency_code'
                then 'currency'
                else history.property
            end as field,
            case
                history.property
                when 'dealstage'
                then coalesce(stages.label, history.value)
                when 'pipeline'
                then coalesce(pipelines.pipeline, history.value)
                when 'hs_manual_forecast_category'
                then {{ hubspot_forecast_category("history.value") }}
                when 'deal_currency_code'
                then {{ currency_code("history.value") }}
                when 'closedate'
                then
                    coalesce(
                        cast(
                            {{
                                hubspot_day(
                                    moment_from_text(
                                        "case when history.property = 'closedate' then history.value end"
                                    )
                                )
                            }}
                            as {{ dbt.type_string() }}
                        ),
                        history.value
                    )
                else history.value
            end as new_value
        from history
        left join
            stages
            on history.source_instance = stages.source_instance
            and case when history.property = 'dealstage' then history.value end = stages.stage_id
        left join
            pipelines
            on history.source_instance = pipelines.source_instance
            and case when history.property = 'pipeline' then history.value end
            = pipelines.pipeline_id
    ),

    with_previous as (
        select
            *,
            lag(new_value) over (
                partition by source_instance, object_id, property order by changed_at, source_row
            ) as old_value
        from values_in_words
    ),

    -- A change of the hour is none of the day. A value that was cleared is none from then on.
    final as (
        select
            {{ staged_record_columns("hubspot", "field_changes", "changes") }},
            {{ no_extra_of("field_changes") }}
            'opportunities' as entity,
            changes.object_id as entity_id,
            changes.field,
            changes.old_value,
            changes.new_value,
            changes.changed_at,
            owners.source_id as changed_by
        from with_previous as changes
        left join
            owners
            on changes.source_instance = owners.source_instance
            and changes.user_id = owners.user_id
        where changes.new_value is distinct from changes.old_value
    )

select *
from final
