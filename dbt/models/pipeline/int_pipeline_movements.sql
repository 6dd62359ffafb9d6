-- What moved the pipeline: movements added up by book, period, rep and currency.
--
-- Within an instant a deal first changes hands, then its amount, then comes in or goes out, so that
-- it is won, lost or pushed out at its last amount and by its last owner. Both amounts of a step
-- are valued at the rate of its day; int_pipeline_revaluations has what rates do between steps. A
-- sum with an amount for which there is no rate is not known: NULL.
with
    steps as (
        select
            *,
            {{ month_start("happened_on") }} as month_start,
            {{ month_start("close_date_before") }} as due_month_before,
            {{ month_start("close_date") }} as due_month
        from {{ ref("int_pipeline_steps") }}
        where is_movement
    ),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    valued as (
        select
            steps.month_start,
            steps.was_open,
            steps.came_by,
            steps.left_by,
            steps.due_month_before,
            steps.due_month,
            steps.rep_before,
            steps.rep,
            steps.currency_before,
            steps.currency,
            coalesce(steps.amount_before, 0) as native_before,
            coalesce(steps.amount, 0) as native,
            {{
                held_amount(
                    "steps.amount_before", fx_rate("steps.currency_before", "rates_before")
                )
            }} as value_before,
            {{ held_amount("steps.amount", fx_rate("steps.currency", "rates")) }} as value
        from steps
        left join
            rates as rates_before
            on steps.currency_before = rates_before.currency
            and steps.happened_on = rates_before.date_day
        left join rates on steps.currency = rates.currency and steps.happened_on = rates.date_day
    ),

    booked as (
        {%- for scope, grain in pipeline_books() %}
            select
                *,
                '{{ scope }}' as scope,
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start,
                was_open
                and {{ in_book(scope, grain, "due_month_before", "month_start") }} as was_in,
                {{ in_book(scope, grain, "due_month", "month_start") }} as belongs
            from valued {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    directed as (
        select
            *,
            case when was_in then null when was_open then 'pulled_in' else came_by end as comes_by,
            case
                when left_by is not null then left_by when not belongs then 'pushed_out'
            end as goes_by
        from booked
        where was_in or belongs
    ),

    moved as (
        select
            scope,
            period_grain,
            period_start,
            rep,
            currency,
            comes_by as movement,
            value as amount,
            native as amount_native
        from directed
        where comes_by is not null

        union all

        select
            scope,
            period_grain,
            period_start,
            rep,
            currency,
            goes_by as movement,
            value as amount,
            native as amount_native
        from directed
        where goes_by is not null

        union all

        select
            scope,
            period_grain,
            period_start,
            rep,
            currency,
            case when native > native_before then 'increased' else 'decreased' end as movement,
            abs(value - value_before) as amount,
            abs(native - native_before) as amount_native
        from directed
        where was_in and currency = currency_before and native <> native_before

        {#- A deal in another currency than before leaves the one and comes into the other. #}
        union all

        select
            scope,
            period_grain,
            period_start,
            rep,
            currency,
            'increased' as movement,
            value as amount,
            native as amount_native
        from directed
        where was_in and currency <> currency_before

        union all

        select
            scope,
            period_grain,
            period_start,
            rep,
            currency_before as currency,
            'decreased' as movement,
            value_before as amount,
            native_before as amount_native
        from directed
        where was_in and currency <> currency_before

        union all

        select
            scope,
            period_grain,
            period_start,
            rep,
            currency_before as currency,
            'owner_gained' as movement,
            value_before as amount,
            native_before as amount_native
        from directed
        where was_in and rep <> rep_before

        union all

        select
            scope,
            period_grain,
            period_start,
            rep_before as rep,
            currency_before as currency,
            'owner_lost' as movement,
            value_before as amount,
            native_before as amount_native
        from directed
        where was_in and rep <> rep_before
    ),

    final as (
        select
            scope,
            period_grain,
            period_start,
            rep,
            currency,
            movement,
            cast({{ whole_sum("amount") }} as {{ numeric_type() }}) as amount,
            count(*) - count(amount) as n_without_rate,
            cast(sum(amount_native) as {{ numeric_type() }}) as amount_native
        from moved
        group by scope, period_grain, period_start, rep, currency, movement
    )

select *
from final
