{#- Whether a text has one of some words, whole and in any case, with or without an s at its end. -#}
{% macro has_word(text, words) -%}
    (' ' || regexp_replace(lower({{ text }}), '[^a-z0-9]+', ' ', 'g') || ' ')
    ~ '.* ({{ words | join("|") }})s? .*'
{%- endmacro %}

{#-
    What the costs of a team are for, by the words of its name; NULL where none is known. The first
    that fits holds: Sales Operations is sales.
-#}
{% macro function_of_name(team) -%}
    {%- set words = {
        "marketing": [
            "marketing",
            "growth",
            "demand gen",
            "demand generation",
            "brand",
        ],
        "sales": ["sales", "business development", "sdr", "account"],
        "other": [
            "success",
            "support",
            "service",
            "product",
            "engineering",
            "finance",
            "hr",
            "people",
            "legal",
            "operation",
        ],
    } -%}
    case
        {%- for function, known in words.items() %}
            when {{ has_word(team, known) }} then '{{ function }}'
        {%- endfor %}
    end
{%- endmacro %}

{#-
    CTEs of what was spent, `spent` by the variants `default` and `ads`: ad spend, which is
    marketing's, and costs by their function. Costs have neither channel nor campaign.
-#}
{% macro spent_by_variant() -%}
    ads as (
        select
            'spend_day' as entity,
            spend_day_key as entity_key,
            spend_day_id as entity_id,
            {{ or_none("channel") }} as channel,
            {{ or_none("campaign_id") }} as campaign,
            day as spent_on,
            'marketing' as function,
            spend as amount,
            exclusion_reason
        from {{ ref("fct_spend_daily") }}
    ),

    costs as (
        select
            'cost' as entity,
            cost_key as entity_key,
            cost_id as entity_id,
            '(none)' as channel,
            '(none)' as campaign,
            month as spent_on,
            function,
            amount,
            exclusion_reason
        from {{ ref("fct_costs") }}
    ),

    spent as (
        {%- for variant, relation in [("default", "ads"), ("default", "costs"), ("ads", "ads")] %}
            select '{{ variant }}' as variant, {{ relation }}.*
            from {{ relation }} {{ 'union all' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#-
    Members of what was spent that stand beside the records of a metric, by campaign and month; what
    no rate values is a record that is left out.
-#}
{% macro spend_beside(spent) -%}
    select
        variant,
        entity,
        entity_key,
        entity_id,
        channel,
        campaign,
        spent_on as period_on,
        null as side,
        amount as numerator,
        null as denominator,
        exclusion_reason
    from {{ spent }}
    where exclusion_reason is not null

    union all

    select
        variant,
        'campaign' as entity,
        null as entity_key,
        campaign as entity_id,
        channel,
        campaign,
        {{ month_start("spent_on") }} as period_on,
        'numerator' as side,
        sum(amount) as numerator,
        null as denominator,
        null as exclusion_reason
    from {{ spent }}
    where exclusion_reason is null
    group by variant, channel, campaign, {{ month_start("spent_on") }}
{%- endmacro %}
