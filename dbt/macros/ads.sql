{#- The types of sources that are advertising platforms: their raw tables are the same. -#}
{% macro ad_platforms() -%} {{ return(["google_ads", "linkedin_ads", "meta_ads"]) }} {%- endmacro %}

{#- The one of them that a source's word for an advertising platform means, NULL where none. -#}
{% macro ad_platform_of(word) -%}
    {%- set words = {
        "google_ads": ["google", "googlead", "adword"],
        "linkedin_ads": ["linkedin", "linkedinad"],
        "meta_ads": ["meta", "metaad", "facebook", "facebookad", "instagram"],
    } -%}
    case
        {%- for platform in ad_platforms() %}
            when {{ has_word(word, words[platform]) }} then '{{ platform }}'
        {%- endfor %}
    end
{%- endmacro %}

{#- The digits of an ad account's id, however it is spelled; NULL of what is no id, such as a name. -#}
{% macro ad_account_id(account) -%}
    case
        when replace(lower({{ account }}), 'act_', '') ~ '^[0-9 -]+$'
        then nullif(regexp_replace({{ account }}, '[^0-9]', '', 'g'), '')
    end
{%- endmacro %}

{#-
    The campaigns of an advertising platform. One that has spent has begun, wherever its first day
    was moved to since.
-#}
{% macro ads_campaigns(platform) -%}
    with
        campaigns as ({{ latest_versions(platform, "campaigns") }}),

        first_days as (
            select source_instance, campaign, min(day) as day
            from ({{ latest_versions(platform, "campaign_days") }}) as latest
            where not coalesce(is_deleted, false) and spend <> 0
            group by source_instance, campaign
        ),

        final as (
            select
                {{
                    staged_record_columns(
                        platform,
                        "campaigns",
                        "campaigns",
                        is_deleted="coalesce(campaigns.is_deleted, false)",
                    )
                }},
                {{ no_extra_of("campaigns") }}
                campaigns.name,
                campaigns.channel,
                '{{ platform }}' as platform,
                case
                    when first_days.day < campaigns.started_on
                    then first_days.day
                    else campaigns.started_on
                end as started_on,
                campaigns.ended_on,
                campaigns.budget,
                {{ currency_code("campaigns.currency") }} as currency
            from campaigns
            left join
                first_days
                on campaigns.source_instance = first_days.source_instance
                and campaigns.source_id = first_days.campaign
        )

    select *
    from final
{%- endmacro %}

{#-
    The spend of an advertising platform by day: its ads, and what each campaign has beyond them, so
    that the rows of a campaign's day add up to what the platform says of it.
-#}
{% macro ads_spend_daily(platform) -%}
    with
        -- An ad's id is its own in its group alone.
        ad_days as (
            select
                *, account || '/' || campaign || '/' || coalesce(ad_group, '') || '/' || ad as ad_id
            from ({{ latest_versions(platform, "ad_days") }}) as latest
        ),

        ads as ({{ latest_versions(platform, "ads") }}),

        remainders as (
            select * from {{ ref("int_" ~ platform ~ "__remainders") }} where not is_of_ads_alone
        ),

        of_ads as (
            select
                ad_days.source_instance,
                ad_days.source_id,
                ad_days.source_row,
                ad_days.source_updated_at,
                coalesce(ad_days.is_deleted, false) as is_deleted,
                ad_days.loaded_at,
                ad_days.day,
                ad_days.account,
                ad_days.campaign,
                coalesce(ads.ad_group_name, ad_days.ad_group) as ad_group,
                coalesce(ads.name, ad_days.ad) as ad,
                ad_days.spend,
                ad_days.currency,
                ad_days.impressions,
                ad_days.clicks,
                ad_days.conversions,
                ad_days.conversion_value,
                ad_days.is_partial
            from ad_days
            left join
                ads
                on ad_days.source_instance = ads.source_instance
                and ad_days.ad_id = ads.source_id
        ),

        spend_days as (
            select *
            from of_ads

            union all

            select
                source_instance,
                source_id,
                source_row,
                source_updated_at,
                false as is_deleted,
                loaded_at,
                day,
                account,
                campaign,
                cast(null as {{ dbt.type_string() }}) as ad_group,
                cast(null as {{ dbt.type_string() }}) as ad,
                spend,
                currency,
                impressions,
                clicks,
                conversions,
                conversion_value,
                is_partial
            from remainders
        ),

        final as (
            select
                {{ staged_record_columns(platform, "spend_daily", "spend_days") }},
                {{ no_extra_of("spend_daily") }}
                '{{ platform }}' as platform,
                spend_days.day,
                spend_days.account as ad_account,
                spend_days.campaign as campaign_id,
                spend_days.ad_group,
                spend_days.ad,
                spend_days.spend,
                {{ currency_code("spend_days.currency") }} as currency,
                spend_days.impressions,
                spend_days.clicks,
                spend_days.conversions,
                spend_days.conversion_value,
                spend_days.is_partial
            from spend_days
        )

    select *
    from final
{%- endmacro %}

{#-
    What the days of a platform's campaigns have beyond those of its ads, less than nothing included:
    Performance Max has no ads, removed ads are in no report, credits are of no ad. A day that has
    nothing beyond is not there.

    Where the platform counts fewer conversions of the campaign than of its ads, or tells none of the
    campaign, those of its ads count, and there is nothing beyond. Days of ads of which the platform
    tells no campaign's day count as they are: `is_of_ads_alone`.
-#}
{% macro ads_remainders(platform) -%}
    {%- set counts = {"spend": "money", "impressions": "integer", "clicks": "integer"} -%}
    {%- set figures = ["spend", "impressions", "clicks", "conversions", "conversion_value"] -%}
    with
        campaign_days as (
            select *
            from ({{ latest_versions(platform, "campaign_days") }}) as latest
            where not coalesce(is_deleted, false)
        ),

        -- What is deleted counts nothing, and says when that was known.
        ads_by_day as (
            select
                source_instance,
                account,
                campaign,
                day,
                max(loaded_at) as loaded_at,
                count(case when not coalesce(is_deleted, false) then 1 end) as ads,
                {%- for figure in figures %}
                    sum(
                        case when not coalesce(is_deleted, false) then {{ figure }} end
                    ) as {{ figure }}{{ "," if not loop.last }}
                {%- endfor %}
            from ({{ latest_versions(platform, "ad_days") }}) as latest
            group by source_instance, account, campaign, day
        ),

        compared as (
            select
                campaign_days.source_instance,
                campaign_days.source_id,
                campaign_days.source_row,
                campaign_days.source_updated_at,
                greatest(campaign_days.loaded_at, ads_by_day.loaded_at) as loaded_at,
                campaign_days.account,
                campaign_days.campaign,
                campaign_days.day,
                campaign_days.currency,
                campaign_days.is_partial,
                false as is_of_ads_alone,
                {%- for figure, type in counts.items() %}
                    cast(
                        campaign_days.{{ figure }}
                        - coalesce(ads_by_day.{{ figure }}, 0) as {{ type_of(type) }}
                    ) as {{ figure }},
                {%- endfor %}
                -- Shares of a conversion are rounded: less than a millionth is nothing.
                case
                    when campaign_days.conversions - coalesce(ads_by_day.conversions, 0) < 0.000001
                    then 0
                    else
                        cast(
                            campaign_days.conversions
                            - coalesce(ads_by_day.conversions, 0) as {{ type_of("number") }}
                        )
                end as conversions,
                case
                    when ads_by_day.conversions is null
                    then campaign_days.conversion_value
                    when ads_by_day.conversions < campaign_days.conversions + 0.000001
                    then
                        cast(
                            campaign_days.conversion_value
                            - coalesce(ads_by_day.conversion_value, 0) as {{ type_of("money") }}
                        )
                end as conversion_value
            from campaign_days
            left join
                ads_by_day
                on campaign_days.source_instance = ads_by_day.source_instance
                and campaign_days.account = ads_by_day.account
                and campaign_days.campaign = ads_by_day.campaign
                and campaign_days.day = ads_by_day.day
        ),

        of_ads_alone as (
            select ads_by_day.*
            from ads_by_day
            left join
                campaign_days
                on ads_by_day.source_instance = campaign_days.source_instance
                and ads_by_day.account = campaign_days.account
                and ads_by_day.campaign = campaign_days.campaign
                and ads_by_day.day = campaign_days.day
            where ads_by_day.ads > 0 and campaign_days.source_id is null
        ),

        final as (
            select *
            from compared
            where
                {% for figure in figures %}
                    coalesce({{ figure }}, 0) <> 0 {{ "or" if not loop.last }}
                {%- endfor %}

            union all

            select
                source_instance,
                account
                || '/'
                || campaign
                || '/'
                || cast(day as {{ dbt.type_string() }}) as source_id,
                cast(null as bigint) as source_row,
                cast(null as timestamp) as source_updated_at,
                loaded_at,
                account,
                campaign,
                day,
                cast(null as {{ dbt.type_string() }}) as currency,
                cast(null as boolean) as is_partial,
                true as is_of_ads_alone,
                {%- for figure, type in counts.items() %}
                    cast(null as {{ type_of(type) }}) as {{ figure }},
                {%- endfor %}
                cast(null as {{ type_of("number") }}) as conversions,
                cast(null as {{ type_of("money") }}) as conversion_value
            from of_ads_alone
        )

    select *
    from final
{%- endmacro %}

{#- The days of campaigns of which the company's platforms tell those of ads alone. -#}
{% macro days_of_ads_alone() -%}
    {%- for platform in ad_platforms() if platform in var("source_types") %}
        select source_instance, account, campaign, day
        from {{ ref("int_" ~ platform ~ "__remainders") }}
        where is_of_ads_alone {{ "union all" if not loop.last }}
    {%- else %}
        select
            cast(null as {{ dbt.type_string() }}) as source_instance,
            cast(null as {{ dbt.type_string() }}) as account,
            cast(null as {{ dbt.type_string() }}) as campaign,
            cast(null as date) as day
        where false
    {%- endfor %}
{%- endmacro %}
