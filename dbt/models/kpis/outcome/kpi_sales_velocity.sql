-- Won amount per day of a sales cycle: deals closed × win rate × average deal size / sales cycle.
with
    win_rate as (select * from {{ ref("kpi_win_rate") }} where variant = 'default'),

    average_deal_size as (
        select * from {{ ref("kpi_average_deal_size") }} where variant = 'default'
    ),

    sales_cycle_days as (select * from {{ ref("kpi_sales_cycle_days") }} where variant = 'default'),

    factors as (
        select
            win_rate.variant,
            win_rate.period_grain,
            win_rate.period_start,
            win_rate.dimension,
            win_rate.dimension_key,
            win_rate.denominator * win_rate.value * average_deal_size.value as won_amount,
            sales_cycle_days.value as cycle_days,
            win_rate.n_included,
            win_rate.n_excluded
        from win_rate
        left join
            average_deal_size
            on win_rate.period_grain = average_deal_size.period_grain
            and coalesce(win_rate.period_start, date '0001-01-01')
            = coalesce(average_deal_size.period_start, date '0001-01-01')
            and win_rate.dimension = average_deal_size.dimension
            and win_rate.dimension_key = average_deal_size.dimension_key
        left join
            sales_cycle_days
            on win_rate.period_grain = sales_cycle_days.period_grain
            and coalesce(win_rate.period_start, date '0001-01-01')
            = coalesce(sales_cycle_days.period_start, date '0001-01-01')
            and win_rate.dimension = sales_cycle_days.dimension
            and win_rate.dimension_key = sales_cycle_days.dimension_key
    ),

    valued as (
        select
            variant,
            period_grain,
            period_start,
            dimension,
            dimension_key,
            {{ ratio("won_amount", "cycle_days") }} as value,
            case when cycle_days is null then 0 else coalesce(won_amount, 0) end as numerator,
            case when won_amount is null then 0 else coalesce(cycle_days, 0) end as denominator,
            n_included,
            n_excluded
        from factors
    )

    {{ kpi_rows("valued", "sales_velocity", "money per day of cycle") }}
