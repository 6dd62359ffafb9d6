-- Ad spend by its day, and the costs of marketing by the first day of their month: these have no
-- channel. A cost that no team names and no category tells is nobody's.
with
    ads as (
        select
            'spend_day' as entity,
            spend_day_key as entity_key,
            spend_day_id as entity_id,
            {{ or_none("channel") }} as channel,
            {{ or_none("campaign_id") }} as campaign,
            day as period_on,
            spend as numerator,
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
            month as period_on,
            amount as numerator,
            case when function is null then 'no_team' else exclusion_reason end as exclusion_reason
        from {{ ref("fct_costs") }}
        where function is null or function = 'marketing'
    )

{%- for variant, relation in [("default", "ads"), ("default", "costs"), ("ads", "ads")] %}

    select
        '{{ variant }}' as variant,
        {{ relation }}.*,
        cast(null as {{ numeric_type() }}) as denominator
    from {{ relation }} {{ 'union all' if not loop.last }}
{%- endfor %}
