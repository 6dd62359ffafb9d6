-- Marketing touches, each with the deal that it belongs to: the one that it names, else the one
-- that its lead became.
with
    touches as (select * from {{ ref("int_touches__unioned") }} where not is_deleted),

    campaigns as (select * from {{ ref("dim_campaign") }}),

    known_campaigns as ({{ in_reach("touches", "campaigns", "campaign_key", "campaign_id") }}),

    leads as (select * from {{ ref("int_leads__unioned") }}),

    known_leads as ({{ in_reach("touches", "leads", "lead_key") }}),

    lead_deals as (select * from {{ ref("int_lead_deals") }}),

    deals as (select * from {{ ref("int_surviving_deals") }}),

    known_deals as ({{ in_reach("touches", "deals", "opportunity_key", "opportunity_id") }}),

    final as (
        select
            touches.touch_key,
            touches.source_system,
            touches.source_instance,
            touches.source_id as touch_id,
            touches.occurred_at,
            {{ local_day("touches.occurred_at") }} as occurred_on,
            touches.type,
            coalesce(touches.channel, campaigns.channel) as channel,
            known_campaigns.campaign_key,
            touches.campaign_id,
            known_leads.lead_key,
            touches.contact_id,
            coalesce(known_deals.opportunity_key, lead_deals.opportunity_key) as opportunity_key
        from touches
        left join
            known_campaigns
            on touches.source_instance = known_campaigns.from_instance
            and touches.campaign_id = known_campaigns.record_id
        left join campaigns on known_campaigns.campaign_key = campaigns.campaign_key
        left join
            known_leads
            on touches.source_instance = known_leads.from_instance
            and touches.lead_id = known_leads.record_id
        left join lead_deals on known_leads.lead_key = lead_deals.lead_key
        left join
            known_deals
            on touches.source_instance = known_deals.from_instance
            and touches.opportunity_id = known_deals.record_id
    )

select *
from final
