-- What exchange rates did to the open pipeline: by book, period, rep and currency, the change in
-- value of the native amounts held.
--
-- A deal is held unchanged from one of its steps to the next. Within a month its value moves from
-- the rate of the day on which the month or the holding begins to that of the day on which either
-- ends; a month begins at the rate of the last day before it, at which the one before has ended.
-- Where there is no rate for one of the two days, the change is not known: NULL.
with
    holdings as (
        select
            rep,
            currency,
            amount,
            {{ month_start("close_date") }} as due_month,
            happened_on,
            until,
            {{ month_start("happened_on") }} as first_month,
            {{ month_start("until") }} as last_month
        from {{ ref("int_pipeline_steps") }}
        where is_open and currency <> '{{ var("currency") }}' and amount <> 0
    ),

    months as (select month_start, ends_on from {{ ref("int_pipeline_months") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    by_month as (
        select
            holdings.*,
            months.month_start,
            case
                when months.month_start = holdings.first_month
                then holdings.happened_on
                else cast({{ dbt.dateadd("day", -1, "months.month_start") }} as date)
            end as valued_on,
            case
                when months.month_start = holdings.last_month
                then holdings.until
                else months.ends_on
            end as revalued_on
        from holdings
        inner join
            months
            on months.month_start >= holdings.first_month
            and months.month_start <= holdings.last_month
    ),

    revalued as (
        select
            by_month.month_start,
            by_month.due_month,
            by_month.rep,
            by_month.currency,
            {{ reporting_amount("by_month.amount", "new_rates.rate") }}
            - {{ reporting_amount("by_month.amount", "old_rates.rate") }} as amount
        from by_month
        left join
            rates as old_rates
            on by_month.currency = old_rates.currency
            and by_month.valued_on = old_rates.date_day
        left join
            rates as new_rates
            on by_month.currency = new_rates.currency
            and by_month.revalued_on = new_rates.date_day
        where by_month.revalued_on > by_month.valued_on
    ),

    final as (
        {%- for scope, grain in pipeline_books() %}
            select
                '{{ scope }}' as scope,
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start,
                rep,
                currency,
                cast({{ whole_sum("amount") }} as {{ numeric_type() }}) as amount,
                count(*) - count(amount) as n_without_rate
            from revalued
            where {{ in_book(scope, grain, "due_month", "month_start") }}
            group by
                {{ fiscal_period_start("month_start", grain) }},
                rep,
                currency
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    )

select *
from final
