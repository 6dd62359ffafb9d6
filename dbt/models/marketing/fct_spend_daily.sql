-- Advertising spend at the grain that its platform gives, in the company's currency.
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

    final as (
        select
            priced.spend_day_key,
            priced.source_system,
            priced.source_instance,
            priced.source_id as spend_day_id,
            priced.day,
            priced.platform,
            priced.ad_account,
            priced.campaign_key,
            priced.campaign_id,
            campaigns.channel,
            priced.ad_group,
            priced.ad,
            cast(priced.spend as {{ numeric_type() }}) as spend_native,
            priced.spend_currency as currency,
            {{ reporting_amount("priced.spend", fx_rate("priced.spend_currency", "rates")) }}
            as spend,
            priced.impressions,
            priced.clicks,
            priced.conversions,
            cast(priced.conversion_value as {{ numeric_type() }}) as conversion_value_native,
            priced.is_partial
        from priced
        left join campaigns on priced.campaign_key = campaigns.campaign_key
        left join rates on priced.spend_currency = rates.currency and priced.day = rates.date_day
    )

select *, {{ amount_exclusion("spend_native", "spend") }} as exclusion_reason
from final
