-- One row per lead that names a deal that is known: that deal, or the one that it lives on in.
with
    leads as (select * from {{ ref("int_leads__unioned") }}),

    deals as (select * from {{ ref("int_surviving_deals") }}),

    known_deals as ({{ in_reach("leads", "deals", "opportunity_key", "opportunity_id") }})

select leads.lead_key, known_deals.opportunity_key
from leads
inner join
    known_deals
    on leads.source_instance = known_deals.from_instance
    and leads.opportunity_id = known_deals.record_id
