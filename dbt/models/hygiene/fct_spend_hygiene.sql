{#- Days of a campaign that a day's spend is set beside, how many there must be, and how far off is a jump. -#}
{%- set days_beside, least_days, jump = 28, 14, 5 -%}
{#- An account spends daily that did so on these of the days before a gap. -#}
{%- set usual_days = 26 -%}
{#- How many days later one that is told is told, at the most. -#}
{%- set days_behind = 3 -%}
{%- set of_account = "partition by source_instance, platform, ad_account order by day" -%}
{%- set of_campaign = (
    "partition by source_instance, platform, ad_account, campaign_id order by day"
) -%}
{%- set before = of_campaign ~ " rows between " ~ days_beside ~ " preceding and 1 preceding" -%}
-- One row per campaign, ad account and day with spend, one column per rule: true where the day
-- breaks it, NULL where the rule does not apply to it.
with
    days as (
        select
            source_instance,
            platform,
            coalesce(ad_account, '(none)') as ad_account,
            coalesce(campaign_id, '(none)') as campaign_id,
            day,
            {{ whole_sum("spend") }} as spend,
            coalesce(bool_or(is_partial), false) as is_partial
        from {{ ref("fct_spend_daily") }}
        group by
            source_instance,
            platform,
            coalesce(ad_account, '(none)'),
            coalesce(campaign_id, '(none)'),
            day
    ),

    given as ({{ given_columns("spend_daily", ["campaign_id"]) }}),

    -- Those that tell of campaigns and ads apart.
    platforms as (
        select distinct source_instance
        from {{ ref("fct_spend_daily") }}
        where source_system in ('{{ ad_platforms() | join("', '") }}')
    ),

    ads_alone as ({{ days_of_ads_alone() }}),

    -- Whose days they are by ids: what is named otherwise, or not at all, may be any account.
    account_days_by_id as (
        select distinct
            days.source_instance,
            days.ad_account,
            days.day,
            {{ ad_platform_of("days.platform") }} as ad_platform,
            {{ ad_account_id("days.ad_account") }} as account_id,
            platforms.source_instance is not null as is_of_platform
        from days
        left join platforms on days.source_instance = platforms.source_instance
        where days.spend is null or days.spend <> 0
    ),

    platforms_read as (select distinct ad_platform from account_days_by_id where is_of_platform),

    days_by_platform as (
        select
            ad_platform,
            day,
            bool_or(is_of_platform) as is_of_platform,
            bool_or(not is_of_platform and account_id is null) as may_be_any_account
        from account_days_by_id
        group by ad_platform, day
    ),

    days_of_two_sources as (
        select ad_platform, day, account_id
        from account_days_by_id
        where account_id is not null
        group by ad_platform, day, account_id
        having bool_or(is_of_platform) and count(distinct source_instance) > 1
    ),

    told_twice as (
        select distinct own.source_instance, own.ad_account, own.ad_platform, own.day
        from account_days_by_id as own
        inner join
            days_by_platform
            on own.ad_platform = days_by_platform.ad_platform
            and own.day = days_by_platform.day
        left join
            days_of_two_sources
            on own.ad_platform = days_of_two_sources.ad_platform
            and own.day = days_of_two_sources.day
            and own.account_id = days_of_two_sources.account_id
        where
            days_of_two_sources.account_id is not null
            or (own.is_of_platform and days_by_platform.may_be_any_account)
            or (
                not own.is_of_platform
                and own.account_id is null
                and days_by_platform.is_of_platform
            )
    ),

    -- A day on which an account has nothing at all is missing where it spent daily until then,
    -- and a campaign that ran on the last day before it runs again on the first after it.
    account_days as (
        select
            source_instance,
            platform,
            ad_account,
            day,
            lag(day) over ({{ of_account }}) as day_before,
            lag(day, {{ usual_days }}) over ({{ of_account }}) as spends_since,
            lag(day, {{ usual_days - 1 }}) over ({{ of_account }}) as spent_since,
            lead(day) over ({{ of_account }}) is null as is_last
        from (select distinct source_instance, platform, ad_account, day from days) as days_spent
    ),

    -- How far an account is told by any source: one may go on where another ended.
    told_to as (
        select ad_platform, account_id, max(day) as day
        from account_days_by_id
        where account_id is not null
        group by ad_platform, account_id
    ),

    campaign_days as (
        select
            *,
            lag(day) over ({{ of_campaign }}) as day_before,
            count(case when not is_partial then spend end) over ({{ before }}) as days_before,
            max(spend) over ({{ before }}) as most_before,
            min(case when not is_partial then spend end) over ({{ before }}) as least_before
        from days
    ),

    judged as (
        select
            campaign_days.source_instance,
            campaign_days.platform
            || '/'
            || campaign_days.ad_account
            || '/'
            || campaign_days.campaign_id
            || ' '
            || cast(campaign_days.day as {{ dbt.type_string() }}) as source_id,
            campaign_days.day,
            campaign_days.spend as amount_at_stake,
            case
                when given.campaign_id then campaign_days.campaign_id = '(none)'
            end as campaign_missing,
            case
                when
                    {{
                        dbt.datediff(
                            "account_days.spends_since", "account_days.day_before", "day"
                        )
                    }} < {{ days_beside }}
                then
                    coalesce(campaign_days.day_before = account_days.day_before, false)
                    and {{ dbt.datediff("account_days.day_before", "account_days.day", "day") }} > 1
            end as days_missing,
            case
                when
                    account_days.is_last
                    and {{ dbt.datediff("account_days.spent_since", "account_days.day", "day") }}
                    < {{ days_beside }}
                then
                    {{
                        dbt.datediff(
                            "greatest(account_days.day, coalesce(told_to.day, account_days.day))",
                            as_of_day(),
                            "day",
                        )
                    }} > {{ days_behind }}
            end as account_silent,
            case
                when campaign_days.days_before >= {{ least_days }} and campaign_days.most_before > 0
                then
                    campaign_days.spend > {{ jump }} * campaign_days.most_before
                    or (
                        {{ jump }} * campaign_days.spend < campaign_days.least_before
                        and campaign_days.day < {{ as_of_day() }}
                        and not campaign_days.is_partial
                    )
            end as spend_jump,
            case
                when platforms.source_instance is not null then ads_alone.day is not null
            end as campaign_day_missing,
            case
                when platforms_read.ad_platform is not null then told_twice.day is not null
            end as in_two_sources
        from campaign_days
        inner join
            account_days
            on campaign_days.source_instance = account_days.source_instance
            and campaign_days.platform = account_days.platform
            and campaign_days.ad_account = account_days.ad_account
            and campaign_days.day = account_days.day
        left join given on campaign_days.source_instance = given.source_instance
        left join
            told_to
            on {{ ad_platform_of("campaign_days.platform") }} = told_to.ad_platform
            and {{ ad_account_id("campaign_days.ad_account") }} = told_to.account_id
        left join platforms on campaign_days.source_instance = platforms.source_instance
        left join
            ads_alone
            on campaign_days.source_instance = ads_alone.source_instance
            and campaign_days.ad_account = ads_alone.account
            and campaign_days.campaign_id = ads_alone.campaign
            and campaign_days.day = ads_alone.day
        left join
            platforms_read
            on {{ ad_platform_of("campaign_days.platform") }} = platforms_read.ad_platform
        left join
            told_twice
            on campaign_days.source_instance = told_twice.source_instance
            and campaign_days.ad_account = told_twice.ad_account
            and platforms_read.ad_platform = told_twice.ad_platform
            and campaign_days.day = told_twice.day
    ),

    final as (
        select judged.*, false as data_after_as_of
        from judged

        union all

        select
            source_instance,
            source_id,
            day,
            cast(null as {{ numeric_type() }}) as amount_at_stake,
            {%- for rule in [
                "campaign_missing",
                "days_missing",
                "account_silent",
                "spend_jump",
                "campaign_day_missing",
                "in_two_sources",
            ] %}
                cast(null as boolean) as {{ rule }},
            {%- endfor %}
            true as data_after_as_of
        from ({{ staged_records("spend_daily") }}) as records
        where {{ is_after_as_of("spend_daily") }}
    )

select *
from final
