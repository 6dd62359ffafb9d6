{{ increment("clocked", of=["int_close_date_moves", "int_kpi_deals"], materialized="view") }}
-- A push moves the close date to a later day while the deal is open; what is set in the moment of
-- closing, or later, is none.
with
    deals as (
        select * from {{ ref("int_kpi_deals") }} where status in ('won', 'lost', 'no_decision')
    ),

    histories as (select * from {{ ref("int_field_histories") }} where field = 'close_date'),

    pushes as (
        select opportunity_key, count(*) as times
        from {{ ref("int_close_date_moves") }}
        where new_date > old_date
        group by opportunity_key
    ),

    pushed as (
        select
            deals.*,
            coalesce(pushes.times, 0) as pushes,
            {{ unknown_as_first("deals.created_at") }} >= histories.known_from as is_known
        from deals
        left join histories on deals.source_instance = histories.source_instance
        left join pushes on deals.opportunity_key = pushes.opportunity_key
    )

select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    pushes as numerator,
    1 as denominator,
    coalesce(
        closed_exclusion, case when is_known then null else 'no_history' end
    ) as exclusion_reason
from pushed
