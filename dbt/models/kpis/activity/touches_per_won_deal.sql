select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    activities as numerator,
    1 as denominator,
    coalesce(
        closed_exclusion, case when not are_activities_told then 'no_activities' end
    ) as exclusion_reason
from
    (
        select deals.*, touched.activities, touched.are_activities_told
        from {{ ref("int_kpi_deals") }} as deals
        inner join
            {{ ref("int_deal_activities") }} as touched
            on deals.opportunity_key = touched.opportunity_key
        where deals.status = 'won'
    ) as won
