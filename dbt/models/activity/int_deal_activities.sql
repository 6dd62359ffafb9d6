-- One row per deal: how many activities on it happened, and when somebody last reached out; those
-- on
-- a deal that was merged are its survivor's. Beside them whether anything is told of the deals of a
-- source at all: where not, nobody knows that there was nothing.
with
    deals as (select opportunity_key, source_instance from {{ ref("fct_opportunities") }}),

    activities as (
        select opportunity_key, occurred_at, direction
        from {{ ref("fct_activities") }}
        where has_happened and opportunity_key is not null
    ),

    by_deal as (
        select
            opportunity_key,
            count(*) as activities,
            max(case when direction = 'out' then occurred_at end) as last_outbound_at
        from activities
        group by opportunity_key
    ),

    final as (
        select
            deals.opportunity_key,
            coalesce(by_deal.activities, 0) as activities,
            by_deal.last_outbound_at,
            max(by_deal.activities) over (partition by deals.source_instance)
            is not null as are_activities_told,
            max(by_deal.last_outbound_at) over (partition by deals.source_instance)
            is not null as are_outbound_told
        from deals
        left join by_deal on deals.opportunity_key = by_deal.opportunity_key
    )

select *
from final
