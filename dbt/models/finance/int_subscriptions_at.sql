-- One row per subscription and moment of the spans at which it is active, with its recurring
-- revenue at the rate of the day. Those that do not count are there with their reason.
with
    subscriptions as (
        select
            *,
            {{ month_start(local_day("started_at")) }} as first_month,
            least(
                {{ month_start(local_day("coalesce(ended_at, " ~ as_of() ~ ")")) }},
                {{ current_month() }}
            ) as last_month
        from {{ ref("int_subscriptions__counted") }}
    ),

    months as (
        select subscriptions.*, {{ each("month", "first_month", "last_month") }} as month_start
        from subscriptions
    ),

    moments as (
        {%- for end in ["from", "to"] %}
            select
                {{ end }}_at as moment,
                {{ end }}_on as day,
                {{ month_start(end ~ "_on") }} as month_start
            from {{ ref("int_mrr_spans") }} {{ 'union' if not loop.last }}
        {%- endfor %}
    ),

    rates as (select * from {{ ref("int_fx_rates__daily") }})

select
    moments.moment,
    moments.day,
    months.subscription_key,
    months.subscription_id,
    months.customer_key,
    months.plan,
    months.currency,
    months.mrr_native,
    {{ reporting_amount("months.mrr_native", fx_rate("months.currency", "rates")) }} as mrr,
    months.exclusion_reason
from months
inner join moments on months.month_start = moments.month_start
left join rates on months.currency = rates.currency and moments.day = rates.date_day
where
    months.started_at <= moments.moment
    and (months.ended_at is null or months.ended_at > moments.moment)
