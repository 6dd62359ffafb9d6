{#- HubSpot's forecast categories in the contract's words. -#}
{% macro hubspot_forecast_category(value) -%}
    case
        upper({{ value }})
        when 'OMIT'
        then 'omitted'
        when 'PIPELINE'
        then 'pipeline'
        when 'BEST_CASE'
        then 'best_case'
        when 'MOST_LIKELY'
        then 'most_likely'
        when 'COMMIT'
        then 'commit'
        when 'CLOSED'
        then 'closed'
    end
{%- endmacro %}

{#-
    HubSpot writes a day as its midnight in UTC: a property of type date, and what imports and other
    systems enter as a day. People and workflows leave a time of day to the millisecond.
-#}
{% macro hubspot_is_day(moment) -%}
    ({{ moment }} = cast(cast({{ moment }} as date) as timestamp))
{%- endmacro %}

{#- The day of a moment of HubSpot's: as written where it is a day, else in the company's time zone. -#}
{% macro hubspot_day(moment) -%}
    case
        when {{ hubspot_is_day(moment) }}
        then cast({{ moment }} as date)
        else {{ local_day(moment) }}
    end
{%- endmacro %}

{#- A moment of HubSpot's in UTC; of a day the one at which it begins in the company's time zone. -#}
{% macro hubspot_moment(moment) -%}
    case
        when {{ hubspot_is_day(moment) }}
        then {{ day_start("cast(" ~ moment ~ " as date)") }}
        else {{ moment }}
    end
{%- endmacro %}

{#-
    The stages of a portal's pipelines, in their latest known versions. Their pipeline bears its name
    of now: a stage that was taken out before the pipeline was renamed still knows the former one.
-#}
{% macro hubspot_stages() -%}
    select
        source_instance,
        source_id,
        source_row,
        source_updated_at,
        is_deleted,
        loaded_at,
        object,
        stage_id,
        pipeline_id,
        first_value(pipeline) over (
            partition by source_instance, object, pipeline_id
            order by case when is_deleted then 1 else 0 end, loaded_at desc, source_id
        ) as pipeline,
        label,
        display_order,
        is_closed,
        probability,
        is_no_decision
    from ({{ latest_versions("hubspot", "stages") }}) as latest_stages
{%- endmacro %}
