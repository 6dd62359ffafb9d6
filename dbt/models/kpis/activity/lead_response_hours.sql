{%- set variants = {
    "default": ("is_answered", "hours"),
    "median": ("is_answered", "hours"),
    "business_hours": ("is_answered", "business_hours"),
    "within_1h": ("true", "case when is_within_1h then 1 else 0 end"),
    "within_24h": ("true", "case when is_within_24h then 1 else 0 end"),
    "never": ("true", "case when is_answered then 0 else 1 end"),
} %}
-- Leads with how soon they were answered; where nobody tells any answer at all, they are left out
-- of everything.
with
    leads as (select * from {{ ref("int_leads__reached") }}),

    responses as (select * from {{ ref("int_lead_responses") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    answered as (
        select
            {{ lead_keys() }},
            responses.is_answered,
            responses.hours,
            responses.business_hours,
            responses.is_within_1h,
            responses.is_within_24h,
            responses.is_before_creation,
            responses.is_without_time,
            responses.are_answers_told,
            case
                when leads.is_deleted
                then 'deleted'
                when not responses.are_answers_told
                then 'no_activities'
            end as exclusion_reason
        from leads
        inner join responses on leads.lead_key = responses.lead_key {{ owners_of_leads() }}
    )

{%- for variant, (population, numerator) in variants.items() %}
    select
        '{{ variant }}' as variant,
        'lead' as entity,
        entity_key,
        entity_id,
        {{ lead_cuts() | join(", ") }},
        created_on as period_on,
        {{ numerator }} as numerator,
        1 as denominator,
        {%- if variant == "never" %} exclusion_reason
        {%- else %}
            coalesce(
                exclusion_reason,
                case when is_without_time then 'no_time' end
                {%- if population != "true" %}
                    , case when is_before_creation then 'answered_before_created' end
                {%- endif %}
            ) as exclusion_reason
        {%- endif %}
    from answered
    {%- if population != "true" %}
        where is_answered or not are_answers_told {%- endif %} {{ 'union all' if not loop.last }}
{%- endfor %}
