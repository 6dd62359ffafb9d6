-- One row per deal that was open when a month ended, with the days it had been in its stage by then
-- (NULL where nobody knows).
with
    open_deals as (select * from {{ ref("pipeline_value") }} where variant = 'default'),

    months as (select * from {{ ref("int_pipeline_months") }}),

    stays as (
        select
            opportunity_key,
            entered_at,
            coalesce(exited_at, cast('9999-12-31' as timestamp)) as exited_at
        from {{ ref("int_stage_visits") }}
        where status = 'open' and is_entry_known and entered_at is not null
    ),

    final as (
        select
            months.month_start,
            open_deals.entity_key as opportunity_key,
            open_deals.source_instance,
            open_deals.pipeline,
            {{ or_none("open_deals.stage_name") }} as stage,
            open_deals.team,
            open_deals.numerator as amount,
            coalesce(open_deals.exclusion_reason = 'no_rate', false) as is_without_rate,
            {{ elapsed_days("stays.entered_at", "months.ends_at") }} as age_days
        from open_deals
        inner join months on open_deals.period_on = months.month_start
        left join
            stays
            on open_deals.entity_key = stays.opportunity_key
            and stays.entered_at < months.ends_at
            and stays.exited_at >= months.ends_at
    )

select *
from final
