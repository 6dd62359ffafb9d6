{%- set campaign = "coalesce(campaign_key, campaign_id, '(none)') as campaign" -%}
-- What each campaign cost and brought, its won deals by all models of attribution. What names no
-- campaign is a row of its own, and so is what names one that is not known.
with
    campaigns as (select * from {{ ref("dim_campaign") }}),

    spend as (
        select
            {{ campaign }},
            sum(spend) as spend,
            count(case when exclusion_reason = 'no_rate' then 1 end) as spend_without_rate,
            count(*) as spend_records,
            sum(impressions) as impressions,
            sum(clicks) as clicks,
            sum(conversions) as conversions
        from {{ ref("fct_spend_daily") }}
        group by coalesce(campaign_key, campaign_id, '(none)')
    ),

    leads as (
        select {{ campaign }}, count(*) as leads, count(case when is_won then 1 end) as leads_won
        from {{ ref("int_lead_funnel") }}
        group by coalesce(campaign_key, campaign_id, '(none)')
    ),

    sourced_deals as (
        select sources.campaign_key, sources.campaign_id, deals.amount_native, deals.amount
        from {{ ref("fct_opportunities") }} as deals
        left join
            {{ ref("int_deal_sources") }} as sources
            on deals.opportunity_key = sources.opportunity_key
        where deals.removal is null and deals.created_at is not null
    ),

    sourced as (
        select
            {{ campaign }},
            count(*) as deals_sourced,
            count(*) - count(amount_native) as deals_sourced_without_amount,
            count(amount_native) as amounts,
            count(amount_native) - count(amount) as deals_sourced_without_rate,
            sum(amount) as pipeline_sourced
        from sourced_deals
        group by coalesce(campaign_key, campaign_id, '(none)')
    ),

    attributed as (
        select
            {{ campaign }},
            count(distinct opportunity_key) as deals_won_touched
            {%- for model in attribution_models() %}
                , sum(case when model = '{{ model }}' then amount end) as won_{{ model }}
            {%- endfor %}
        from {{ ref("fct_attribution") }}
        group by coalesce(campaign_key, campaign_id, '(none)')
    ),

    named as (
        select campaign_key as campaign
        from campaigns
        {%- for relation in ["spend", "leads", "sourced", "attributed"] %}
            union

            select campaign
            from {{ relation }}
        {%- endfor %}
    ),

    dated as (
        select
            named.campaign,
            campaigns.*,
            case
                when campaigns.ended_on < {{ as_of_day() }}
                then campaigns.ended_on
                else {{ as_of_day() }}
            end as reckoned_on
        from named
        left join campaigns on named.campaign = campaigns.campaign_key
    ),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    budgeted as (
        select
            dated.*,
            {{ reporting_amount("dated.budget", fx_rate("dated.currency", "rates")) }}
            as reporting_budget,
            {{
                ratio(
                    dbt.datediff("dated.started_on", "dated.reckoned_on", "day") ~ " + 1",
                    "(" ~ dbt.datediff("dated.started_on", "dated.ended_on", "day") ~ " + 1)",
                )
            }} as time_elapsed
        from dated
        left join rates on dated.currency = rates.currency and dated.reckoned_on = rates.date_day
    ),

    measured as (
        select
            budgeted.campaign_key,
            coalesce(budgeted.campaign_id, nullif(budgeted.campaign, '(none)')) as campaign_id,
            budgeted.campaign_name,
            budgeted.channel,
            budgeted.platform,
            budgeted.started_on,
            budgeted.ended_on,
            budgeted.reporting_budget,
            budgeted.time_elapsed,
            case
                when spend.spend_records is not null
                then {{ known_money("spend.spend", "spend_records", "spend_without_rate") }}
                -- Where spend is told of others, there was none.
                when max(spend.spend_records) over () is not null
                then 0
            end as spend,
            coalesce(spend.spend_without_rate, 0) as spend_without_rate,
            spend.impressions,
            spend.clicks,
            spend.conversions,
            coalesce(leads.leads, 0) as leads,
            coalesce(leads.leads_won, 0) as leads_won,
            coalesce(sourced.deals_sourced, 0) as deals_sourced,
            coalesce(sourced.deals_sourced_without_amount, 0) as deals_sourced_without_amount,
            coalesce(sourced.deals_sourced_without_rate, 0) as deals_sourced_without_rate,
            case
                when coalesce(sourced.amounts, 0) = 0
                then 0
                else {{ known_money("pipeline_sourced", "amounts", "deals_sourced_without_rate") }}
            end as pipeline_sourced,
            coalesce(attributed.deals_won_touched, 0) as deals_won_touched
            {%- for model in attribution_models() %}
                , coalesce(attributed.won_{{ model }}, 0) as won_{{ model }}
            {%- endfor %}
        from budgeted
        left join spend on budgeted.campaign = spend.campaign
        left join leads on budgeted.campaign = leads.campaign
        left join sourced on budgeted.campaign = sourced.campaign
        left join attributed on budgeted.campaign = attributed.campaign
    )

select
    campaign_key,
    campaign_id,
    campaign_name,
    channel,
    platform,
    started_on,
    ended_on,
    cast(spend as {{ numeric_type() }}) as spend,
    spend_without_rate,
    cast(impressions as bigint) as impressions,
    cast(clicks as bigint) as clicks,
    cast(conversions as numeric(28, 10)) as conversions,
    {{ ratio("spend", "clicks") }} as cost_per_click,
    {{ ratio("spend", "conversions") }} as cost_per_conversion,
    leads,
    leads_won,
    {{ ratio("spend", "leads") }} as cost_per_lead,
    {{ ratio("leads_won", "leads") }} as lead_conversion_rate,
    deals_sourced,
    deals_sourced_without_amount,
    deals_sourced_without_rate,
    cast(pipeline_sourced as {{ numeric_type() }}) as pipeline_sourced,
    deals_won_touched,
    {%- for model in attribution_models() %}
        cast(won_{{ model }} as {{ numeric_type() }}) as won_{{ model }},
        {{ ratio("won_" ~ model, "spend") }} as return_on_ad_spend_{{ model }},
    {%- endfor %}
    cast(reporting_budget as {{ numeric_type() }}) as budget,
    {{ ratio("spend", "reporting_budget") }} as budget_spent,
    time_elapsed,
    {{ ratio(ratio("spend", "reporting_budget"), "time_elapsed") }} as budget_pace
from measured
