-- Quotas spread evenly by days over the months of their period. Where somebody has quotas of
-- several grains for the same month, the finest one holds.
with
    quotas as (
        select *
        from {{ ref("int_quotas__unioned") }}
        where not is_deleted and measure in ('revenue', 'deals')
    ),

    days as (select date_day, month_start from {{ ref("dim_date") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    periods as (
        select
            *,
            coalesce(currency, '{{ var("currency") }}') as quota_currency,
            case period_grain when 'month' then 1 when 'quarter' then 2 else 3 end as coarseness,
            case
                when owner_id is not null
                then 'rep'
                when team is not null
                then 'team'
                else 'company'
            end as target,
            coalesce(owner_id, team, 'all') as target_key,
            cast(
                case
                    period_grain
                    when 'month'
                    then {{ dbt.dateadd("month", 1, "period_start") }}
                    when 'quarter'
                    then {{ dbt.dateadd("month", 3, "period_start") }}
                    else {{ dbt.dateadd("year", 1, "period_start") }}
                end as date
            ) as period_end
        from quotas
    ),

    priced as (
        select
            periods.*,
            case
                when periods.measure = 'deals'
                then cast(periods.amount as {{ numeric_type() }})
                else
                    {{
                        reporting_amount(
                            "periods.amount", fx_rate("periods.quota_currency", "rates")
                        )
                    }}
            end as reporting_amount
        from periods
        left join
            rates
            on periods.quota_currency = rates.currency
            and rates.date_day = least(periods.period_start, {{ as_of_day() }})
    ),

    days_of_months as (
        select priced.quota_key, days.month_start, count(*) as days_in_month
        from priced
        inner join
            days on days.date_day >= priced.period_start and days.date_day < priced.period_end
        group by priced.quota_key, days.month_start
    ),

    spread as (
        select
            priced.*,
            days_of_months.month_start,
            days_of_months.days_in_month,
            sum(days_of_months.days_in_month) over (
                partition by priced.quota_key
                order by days_of_months.month_start
                rows between unbounded preceding and current row
            ) as days_so_far,
            sum(days_of_months.days_in_month) over (partition by priced.quota_key) as days_in_period
        from priced
        inner join days_of_months on priced.quota_key = days_of_months.quota_key
    ),

    -- The share so far less the share before: rounded, the months still add up to the quota.
    monthly as (
        select
            target,
            target_key,
            measure,
            month_start,
            coarseness,
            round({{ share_of_quota("days_so_far") }}, 6)
            - round({{ share_of_quota("(days_so_far - days_in_month)") }}, 6) as amount
        from spread
    ),

    finest as (
        select
            *,
            min(coarseness) over (
                partition by target, target_key, measure, month_start
            ) as finest_coarseness
        from monthly
    ),

    final as (
        select
            target,
            target_key,
            measure,
            month_start,
            cast(sum(amount) as {{ numeric_type() }}) as amount
        from finest
        where coarseness = finest_coarseness
        group by target, target_key, measure, month_start
    )

select *
from final
