-- How each account came: by its first touch up to its first won deal, else its first lead, else the
-- campaign that its first won deal with one names.
with
    accounts as (select * from {{ ref("dim_account") }}),

    deals as (
        select *
        from {{ ref("fct_opportunities") }}
        where removal is null and account_key is not null
    ),

    first_wins as (
        select account_key, min(closed_at) as won_at from deals where is_won group by account_key
    ),

    leads as (select * from {{ ref("int_leads__reached") }} where not is_deleted),

    lead_deals as (select * from {{ ref("int_lead_deals") }}),

    known_accounts as ({{ in_reach("leads", "accounts", "account_key", "account_id") }}),

    leads_of_accounts as (
        select known_accounts.account_key, leads.*
        from leads
        inner join
            known_accounts
            on leads.source_instance = known_accounts.from_instance
            and leads.account_id = known_accounts.record_id
    ),

    leads_of_deals as (
        select deals.account_key, leads.*
        from leads
        inner join lead_deals on leads.lead_key = lead_deals.lead_key
        inner join deals on lead_deals.opportunity_key = deals.opportunity_key
    ),

    touches as (select * from {{ ref("fct_touches") }}),

    touches_of_accounts as (
        select deals.account_key, touches.*
        from touches
        inner join deals on touches.opportunity_key = deals.opportunity_key

        union all

        select leads_of_accounts.account_key, touches.*
        from touches
        inner join leads_of_accounts on touches.lead_key = leads_of_accounts.lead_key
    ),

    campaigns as (select * from {{ ref("dim_campaign") }}),

    known_campaigns as ({{ in_reach("deals", "campaigns", "campaign_key", "campaign_id") }}),

    found as (
        select
            touches_of_accounts.account_key,
            1 as preference,
            'touch' as rule,
            touches_of_accounts.occurred_at,
            touches_of_accounts.touch_id as record_id,
            touches_of_accounts.channel,
            touches_of_accounts.campaign_id
        from touches_of_accounts
        left join first_wins on touches_of_accounts.account_key = first_wins.account_key
        where touches_of_accounts.occurred_at <= coalesce(first_wins.won_at, {{ end_of_time() }})

        {%- for relation in ["leads_of_accounts", "leads_of_deals"] %}
            union all

            select
                account_key,
                2 as preference,
                'lead' as rule,
                created_at as occurred_at,
                source_id as record_id,
                reached_by as channel,
                campaign_id
            from {{ relation }}
        {%- endfor %}

        union all

        select
            deals.account_key,
            3 as preference,
            'deal' as rule,
            deals.closed_at as occurred_at,
            deals.opportunity_id as record_id,
            campaigns.channel,
            deals.campaign_id
        from deals
        left join
            known_campaigns
            on deals.source_instance = known_campaigns.from_instance
            and deals.campaign_id = known_campaigns.record_id
        left join campaigns on known_campaigns.campaign_key = campaigns.campaign_key
        where deals.is_won and deals.campaign_id is not null
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by account_key
                order by preference, occurred_at nulls last, {{ by_bytes("record_id") }}
            ) as choice
        from found
    )

select account_key, channel, campaign_id, occurred_at, rule
from ranked
where choice = 1
