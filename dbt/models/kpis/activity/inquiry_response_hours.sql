{%- set variants = {
    "default": ("is_answered", "hours"),
    "median": ("is_answered", "hours"),
    "within_24h": ("true", "case when is_within_24h then 1 else 0 end"),
    "never": ("true", "case when is_answered then 0 else 1 end"),
} %}
with inquiries as (select * from {{ ref("int_inquiries") }})

{%- for variant, (population, numerator) in variants.items() %}
    select
        '{{ variant }}' as variant,
        'activity' as entity,
        activity_key as entity_key,
        activity_id as entity_id,
        {{ or_none("rep_id") }} as rep,
        {{ or_none("team") }} as team,
        {{ or_none("manager_id") }} as manager,
        {{ or_none("region") }} as region,
        {{ or_none("segment") }} as segment,
        activity_type,
        occurred_on as period_on,
        {{ numerator }} as numerator,
        1 as denominator,
        case
            when is_deleted
            then 'deleted'
            when not are_answers_told
            then 'no_activities'
            {%- if population == "true" %} when is_not_due then 'not_due' {%- endif %}
            {%- if variant != "never" %} when is_without_time then 'no_time' {%- endif %}
        end as exclusion_reason
    from inquiries
    {%- if population != "true" %}
        where is_answered or not are_answers_told {%- endif %} {{ 'union all' if not loop.last }}
{%- endfor %}
