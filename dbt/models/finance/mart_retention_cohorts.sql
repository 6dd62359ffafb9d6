-- Customers by the month in which they first paid, month after month: those who pay recurring
-- revenue at its end, or, where a company has no subscriptions, those who were invoiced in it.
with
    paid as (
        select 'subscriptions' as basis, 1 as preference, customer_key, month_start, mrr as money
        from {{ ref("fct_mrr_monthly") }}

        union all

        select
            'invoices' as basis,
            2 as preference,
            customer_key,
            {{ month_start("issued_on") }} as month_start,
            {{ whole_sum("net_amount") }} as money
        from {{ ref("fct_invoices") }}
        where standing <> 'does_not_count' and total_native > 0
        group by customer_key, {{ month_start("issued_on") }}
    ),

    preferred as (select *, min(preference) over () as best_preference from paid),

    dated as (
        select
            *,
            min(month_start) over (partition by customer_key) as cohort_month,
            lag(month_start) over (partition by customer_key order by month_start) as paid_before
        from preferred
        where preference = best_preference
    ),

    by_month as (
        select
            basis,
            cohort_month,
            month_start,
            count(*) as customers,
            {{ whole_sum("money") }} as money,
            count(case when is_kept then 1 end) as customers_kept,
            case
                when count(case when is_kept and money is null then 1 end) = 0
                then coalesce(sum(case when is_kept then money end), 0)
            end as money_kept
        from
            (
                select
                    *,
                    coalesce(
                        paid_before = cast({{ dbt.dateadd("month", -1, "month_start") }} as date),
                        false
                    ) as is_kept
                from dated
            ) as kept
        group by basis, cohort_month, month_start
    ),

    cohorts as (
        select
            basis,
            cohort_month,
            customers as cohort_customers,
            money as cohort_money,
            {{ each("month", "cohort_month", current_month()) }} as month_start
        from by_month
        where month_start = cohort_month
    ),

    final as (
        select
            cohorts.basis,
            cohorts.cohort_month,
            {{ dbt.datediff("cohorts.cohort_month", "cohorts.month_start", "month") }}
            as months_since,
            cohorts.month_start,
            cohorts.cohort_customers,
            coalesce(by_month.customers, 0) as customers,
            coalesce(by_month.customers_kept, 0) as customers_kept,
            cohorts.cohort_money,
            case when by_month.customers is null then 0 else by_month.money end as money,
            case when by_month.customers is null then 0 else by_month.money_kept end as money_kept
        from cohorts
        left join
            by_month
            on cohorts.cohort_month = by_month.cohort_month
            and cohorts.month_start = by_month.month_start
    )

select
    cast(basis as {{ dbt.type_string() }}) as basis,
    cohort_month,
    cast(months_since as integer) as months_since,
    month_start,
    cast(cohort_customers as bigint) as cohort_customers,
    cast(customers as bigint) as customers,
    {{ ratio("customers", "cohort_customers") }} as customer_retention,
    cast(customers_kept as bigint) as customers_kept,
    cast(cohort_money as {{ numeric_type() }}) as cohort_money,
    cast(money as {{ numeric_type() }}) as money,
    {{ ratio("money", "cohort_money") }} as money_retention,
    cast(money_kept as {{ numeric_type() }}) as money_kept
from final
