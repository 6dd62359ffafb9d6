-- What has happened to customers since yesterday (the last working day), last week and the
-- beginning of month and quarter: who is new, whose recurring revenue is another than it was, whose
-- invoices fell due and are not paid. All is valued at today's rates, so that the effects add up to
-- what customers did to recurring revenue; what has no rate today is NULL.
with
    windows as ({{ windows_until_now() }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }} where date_day = {{ as_of_day() }}),

    subscriptions as (
        select
            subscriptions.customer_key,
            subscriptions.started_at,
            coalesce(subscriptions.ended_at, {{ end_of_time() }}) as ended_at,
            {{
                reporting_amount(
                    "subscriptions.mrr_native", fx_rate("subscriptions.currency", "rates")
                )
            }} as mrr
        from {{ ref("int_subscriptions__counted") }} as subscriptions
        left join rates on subscriptions.currency = rates.currency
        where {{ brings_revenue("subscriptions") }}
    ),

    firsts as (
        select customer_key, min(started_at) as first_started_at
        from subscriptions
        group by customer_key
    ),

    compared as (
        select
            windows.since,
            windows.since_at,
            subscriptions.customer_key,
            max(case when subscriptions.started_at < windows.since_at then 1 else 0 end)
            = 1 as was_paying,
            max(case when subscriptions.ended_at > {{ as_of() }} then 1 else 0 end)
            = 1 as is_paying,
            {{
                whole_sum(
                    "case when subscriptions.started_at < windows.since_at"
                    " then subscriptions.mrr else 0 end"
                )
            }} as mrr_before,
            {{
                whole_sum(
                    "case when subscriptions.ended_at > "
                    ~ as_of()
                    ~ " then subscriptions.mrr else 0 end"
                )
            }} as mrr
        from subscriptions
        inner join windows on subscriptions.ended_at >= windows.since_at
        group by windows.since, windows.since_at, subscriptions.customer_key
    ),

    moved as (
        select
            compared.since,
            compared.since_at,
            compared.customer_key,
            case
                when not compared.was_paying and firsts.first_started_at >= compared.since_at
                then 'started'
                when not compared.was_paying
                then 'returned'
                when not compared.is_paying
                then 'churned'
                when compared.mrr > compared.mrr_before
                then 'expanded'
                when compared.mrr < compared.mrr_before
                then 'contracted'
            end as movement,
            compared.mrr_before,
            compared.mrr
        from compared
        inner join firsts on compared.customer_key = firsts.customer_key
        where compared.was_paying or compared.is_paying
    ),

    new_customers as (select * from {{ ref("fct_new_customers") }}),

    invoices as (select * from {{ ref("fct_invoices") }} where days_overdue > 0),

    fell_due as (
        select
            windows.since,
            windows.since_at,
            invoices.customer_key,
            count(*) as n_invoices,
            {{ whole_sum("invoices.receivable") }} as receivable
        from invoices
        inner join
            windows
            on invoices.due_on >= {{ dbt.dateadd("day", -1, local_day("windows.since_at")) }}
        group by windows.since, windows.since_at, invoices.customer_key
    ),

    united as (
        select
            since,
            since_at,
            customer_key,
            movement,
            mrr_before,
            mrr,
            cast(null as bigint) as n_invoices,
            cast(null as {{ numeric_type() }}) as receivable
        from moved
        where movement is not null

        union all

        select
            windows.since,
            windows.since_at,
            coalesce(new_customers.customer_key, new_customers.account_key) as customer_key,
            'new_customer' as movement,
            null as mrr_before,
            null as mrr,
            null as n_invoices,
            null as receivable
        from new_customers
        inner join windows on new_customers.became_customer_at >= windows.since_at

        union all

        select
            since,
            since_at,
            customer_key,
            'fell_due' as movement,
            null as mrr_before,
            null as mrr,
            n_invoices,
            receivable
        from fell_due
    ),

    names as (
        select customer_key, customer_id, customer_name, account_key
        from {{ ref("dim_customer") }}

        union all

        select account_key as customer_key, account_id as customer_id, customer_name, account_key
        from new_customers
        where customer_key is null
    ),

    final as (
        select
            united.since,
            united.since_at,
            row_number() over (
                partition by united.since
                order by
                    coalesce(
                        abs(united.mrr - united.mrr_before), united.receivable
                    ) desc nulls last,
                    united.customer_key,
                    united.movement
            ) as money_rank,
            united.customer_key,
            names.customer_id,
            names.customer_name,
            names.account_key,
            united.movement,
            cast(united.mrr_before as {{ numeric_type() }}) as mrr_before,
            cast(united.mrr as {{ numeric_type() }}) as mrr,
            cast(united.mrr - united.mrr_before as {{ numeric_type() }}) as mrr_effect,
            united.n_invoices,
            cast(united.receivable as {{ numeric_type() }}) as receivable
        from united
        left join names on united.customer_key = names.customer_key
    )

select *
from final
