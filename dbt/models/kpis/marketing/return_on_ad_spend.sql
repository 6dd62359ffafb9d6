-- Ad spend, and beside it what the touches of campaigns that had any are credited with of each won
-- deal.
with
    spend as (select * from {{ ref("fct_spend_daily") }}),

    campaigns_with_spend as (select distinct campaign_id from spend where spend_native <> 0),

    credited as (
        select
            attribution.model,
            attribution.opportunity_key,
            {{ or_none("attribution.channel") }} as channel,
            attribution.campaign_id as campaign,
            attribution.closed_on,
            sum(attribution.amount) as amount
        from {{ ref("fct_attribution") }} as attribution
        inner join
            campaigns_with_spend on attribution.campaign_id = campaigns_with_spend.campaign_id
        group by
            attribution.model,
            attribution.opportunity_key,
            {{ or_none("attribution.channel") }},
            attribution.campaign_id,
            attribution.closed_on
    ),

    deals as (select opportunity_key, opportunity_id from {{ ref("fct_opportunities") }})

{%- for model in attribution_models() %}
        {%- set variant = "default" if model == "first" else model %}

    select
        '{{ variant }}' as variant,
        'spend_day' as entity,
        spend_day_key as entity_key,
        spend_day_id as entity_id,
        {{ or_none("channel") }} as channel,
        {{ or_none("campaign_id") }} as campaign,
        day as period_on,
        cast(null as {{ dbt.type_string() }}) as side,
        cast(0 as {{ numeric_type() }}) as numerator,
        spend as denominator,
        exclusion_reason
    from spend

    union all

    select
        '{{ variant }}' as variant,
        'opportunity' as entity,
        credited.opportunity_key as entity_key,
        deals.opportunity_id as entity_id,
        credited.channel,
        credited.campaign,
        credited.closed_on as period_on,
        'numerator' as side,
        credited.amount as numerator,
        null as denominator,
        null as exclusion_reason
    from credited
    inner join deals on credited.opportunity_key = deals.opportunity_key
    where credited.model = '{{ model }}' {{ 'union all' if not loop.last }}
{%- endfor %}
