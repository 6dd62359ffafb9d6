-- From where to where recurring revenue is compared: over each month, fiscal quarter and year since
-- the first subscription that counts, and over the twelve months to each month's end. `from_at` and
-- `to_at` are the last moments of what was before and of the span; the current one ends now. A year
-- before is the same time of the same date.
with
    first_subscription as (
        select min(started_at) as started_at
        from {{ ref("int_subscriptions__counted") }}
        where exclusion_reason is null
    ),

    months as (
        select months.*
        from {{ ref("int_finance_months") }} as months
        inner join first_subscription on months.last_moment >= first_subscription.started_at
    ),

    periods as (
        {%- for grain in ["month", "quarter", "year"] %}
            select
                '{{ grain }}' as span,
                month_start,
                last_moment as to_at,
                ends_on as to_on,
                {{ fiscal_period_start("month_start", grain) }} as first_day
            from months
            where
                {{ kpi_month_counts("month_start", grain, true) }} {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    spans as (
        select
            span,
            month_start,
            to_at,
            to_on,
            {{ day_start("first_day") }} - interval '1 microsecond' as from_at
        from periods

        union all

        select
            'twelve_months' as span,
            month_start,
            last_moment as to_at,
            ends_on as to_on,
            {{
                utc_moment(
                    local_time("(last_moment + interval '1 microsecond')")
                    ~ " - interval '1 year'"
                )
            }} - interval '1 microsecond' as from_at
        from months
    )

select span, month_start, from_at, {{ local_day("from_at") }} as from_on, to_at, to_on
from spans
