-- Quotas spread evenly over the days of their period. Where somebody has several quotas of a
-- measure for a day, the finest grain holds, of one grain the one that began last; the coarser
-- keeps its other days.
with
    quotas as (select * from {{ ref("fct_quotas") }}),

    days as (select date_day, month_start from {{ ref("dim_date") }}),

    spread as (
        select
            quotas.*,
            days.date_day,
            days.month_start,
            {{ dbt.datediff("quotas.period_start", "days.date_day", "day") }} as days_before,
            row_number() over (
                partition by quotas.target, quotas.target_key, quotas.measure, days.date_day
                order by
                    case quotas.period_grain when 'month' then 1 when 'quarter' then 2 else 3 end,
                    quotas.period_start desc,
                    quotas.quota_key
            ) as choice
        from quotas
        inner join
            days on days.date_day >= quotas.period_start and days.date_day <= quotas.period_end
    ),

    -- The share up to a day less that up to the day before: rounded, the days add up to the quota.
    final as (
        select
            target,
            target_key,
            measure,
            month_start,
            date_day,
            cast(
                {{ share_of_quota("days_before + 1") }}
                - {{ share_of_quota("days_before") }} as {{ numeric_type() }}
            ) as amount
        from spread
        where choice = 1
    )

select *
from final
