-- What brought each deal: its first touch up to its creation, where that is a bare day up to its
-- end. Deals without one have no row.
with
    deals as (
        select opportunity_key, {{ last_instant("created_at") }} as created_by
        from {{ ref("fct_opportunities") }}
        where created_at is not null
    ),

    touches as (select * from {{ ref("fct_touches") }}),

    ranked as (
        select
            touches.*,
            row_number() over (
                partition by touches.opportunity_key
                order by touches.occurred_at, {{ by_bytes("touches.touch_id") }}, touches.touch_key
            ) as nth
        from touches
        inner join
            deals
            on touches.opportunity_key = deals.opportunity_key
            and touches.occurred_at <= deals.created_by
    )

select opportunity_key, touch_key, channel, campaign_key, campaign_id
from ranked
where nth = 1
