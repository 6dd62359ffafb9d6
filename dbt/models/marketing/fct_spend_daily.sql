{%- set rate = fx_rate("summed.spend_currency", "rates") -%}
-- Advertising spend at the grain that its platform gives, in the company's currency: rows of a
-- campaign's day add up to what the day comes to, rounded once.
with
    spend_daily as (select * from {{ ref("int_spend_daily__unioned") }} where not is_deleted),

    campaigns as (select * from {{ ref("dim_campaign") }}),

    known_campaigns as ({{ in_reach("spend_daily", "campaigns", "campaign_key", "campaign_id") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    priced as (
        select
            spend_daily.*,
            known_campaigns.campaign_key,
            coalesce(spend_daily.currency, '{{ var("currency") }}') as spend_currency
        from spend_daily
        left join
            known_campaigns
            on spend_daily.source_instance = known_campaigns.from_instance
            and spend_daily.campaign_id = known_campaigns.record_id
    ),

    -- All rows of a campaign's day are at one rate.
    summed as (
        select
            *,
            sum(spend) over (
                partition by source_instance, platform, ad_account, campaign_id, day, spend_currency
                order by spend_day_key
                rows between unbounded preceding and current row
            ) as spend_so_far
        from priced
    ),

    final as (
        select
            summed.spend_day_key,
            summed.source_system,
            summed.source_instance,
            summed.source_id as spend_day_id,
            summed.day,
            summed.platform,
            summed.ad_account,
            summed.campaign_key,
            summed.campaign_id,
            campaigns.channel,
            summed.ad_group,
            summed.ad,
            cast(summed.spend as {{ numeric_type() }}) as spend_native,
            summed.spend_currency as currency,
            cast(
                {{ reporting_amount("summed.spend_so_far", rate) }}
                - {{ reporting_amount("(summed.spend_so_far - summed.spend)", rate) }}
                as {{ numeric_type() }}
            ) as spend,
            summed.impressions,
            summed.clicks,
            summed.conversions,
            cast(summed.conversion_value as {{ numeric_type() }}) as conversion_value_native,
            summed.is_partial
        from summed
        left join campaigns on summed.campaign_key = campaigns.campaign_key
        left join rates on summed.spend_currency = rates.currency and summed.day = rates.date_day
    )

select *, {{ amount_exclusion("spend_native", "spend") }} as exclusion_reason
from final
