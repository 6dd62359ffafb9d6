-- One row per campaign that is not deleted, one column per rule: true where the campaign breaks it,
-- NULL where the rule does not apply to it. Platforms tell days of a zone of their own, so that a
-- day before the first and one after the last are none outside.
with
    campaigns as (select * from {{ ref("dim_campaign") }} where not is_deleted),

    given as ({{ given_columns("campaigns", ["channel", "platform"]) }}),

    spend as (
        select
            campaign_key,
            min(day) as first_day,
            max(day) as last_day,
            {{ whole_sum("spend") }} as spend
        from {{ ref("fct_spend_daily") }}
        where spend_native <> 0
        group by campaign_key
    ),

    used as (
        select campaign_key
        from spend
        union
        select campaign_key
        from {{ ref("fct_touches") }}
        union
        select campaign_key
        from {{ ref("int_leads__reached") }}
        where not is_deleted
    ),

    used_in_two_sources as (
        select used_campaigns.campaign_id
        from {{ ref("dim_campaign") }} as used_campaigns
        inner join used on used_campaigns.campaign_key = used.campaign_key
        group by used_campaigns.campaign_id
        having count(distinct used_campaigns.source_instance) > 1
    ),

    spent_by_two_sources as (
        select distinct campaign_key
        from
            (
                select campaign_key
                from {{ ref("fct_spend_daily") }}
                where spend_native <> 0
                group by campaign_key, day
                having count(distinct source_instance) > 1
            ) as days
    ),

    final as (
        select
            campaigns.campaign_key,
            campaigns.source_instance,
            campaigns.campaign_id as source_id,
            case
                when spend.campaign_key is null
                then cast(0 as {{ numeric_type() }})
                else spend.spend
            end as amount_at_stake,
            case when given.channel then campaigns.channel is null end as channel_missing,
            case when given.platform then campaigns.platform is null end as platform_missing,
            case
                when coalesce(campaigns.started_on, campaigns.ended_on) is not null
                then
                    coalesce(
                        spend.first_day
                        < cast({{ dbt.dateadd("day", -1, "campaigns.started_on") }} as date),
                        false
                    )
                    or coalesce(
                        spend.last_day
                        > cast({{ dbt.dateadd("day", 1, "campaigns.ended_on") }} as date),
                        false
                    )
            end as spent_outside_dates,
            (used.campaign_key is not null and used_in_two_sources.campaign_id is not null)
            or spent_by_two_sources.campaign_key is not null as in_two_sources
        from campaigns
        left join given on campaigns.source_instance = given.source_instance
        left join spend on campaigns.campaign_key = spend.campaign_key
        left join used on campaigns.campaign_key = used.campaign_key
        left join used_in_two_sources on campaigns.campaign_id = used_in_two_sources.campaign_id
        left join spent_by_two_sources on campaigns.campaign_key = spent_by_two_sources.campaign_key
    )

select *
from final
