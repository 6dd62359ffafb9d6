-- Leads, each with the channel that reached it: its own, else its campaign's.
with
    leads as (select * from {{ ref("int_leads__unioned") }}),

    campaigns as (select * from {{ ref("dim_campaign") }}),

    known_campaigns as ({{ in_reach("leads", "campaigns", "campaign_key", "campaign_id") }})

select leads.*, campaigns.campaign_key, coalesce(leads.channel, campaigns.channel) as reached_by
from leads
left join
    known_campaigns
    on leads.source_instance = known_campaigns.from_instance
    and leads.campaign_id = known_campaigns.record_id
left join campaigns on known_campaigns.campaign_key = campaigns.campaign_key
