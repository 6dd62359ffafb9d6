-- A push moves the close date to a later day while the deal has not yet closed; the date set in the
-- moment of closing is none.
with
    deals as (
        select * from {{ ref("int_kpi_deals") }} where status in ('won', 'lost', 'no_decision')
    ),

    closings as (select opportunity_key, closed_at from {{ ref("fct_opportunities") }}),

    pushes as (
        select changes.opportunity_key, count(*) as times
        from {{ ref("int_opportunity_changes") }} as changes
        inner join closings on changes.opportunity_key = closings.opportunity_key
        where
            changes.field = 'close_date'
            and changes.changed_at < closings.closed_at
            and cast(changes.new_value as date) > cast(changes.old_value as date)
        group by changes.opportunity_key
    ),

    pushed as (
        select deals.*, coalesce(pushes.times, 0) as pushes
        from deals
        left join pushes on deals.opportunity_key = pushes.opportunity_key
    )

select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    pushes as numerator,
    1 as denominator,
    closed_exclusion as exclusion_reason
from pushed
