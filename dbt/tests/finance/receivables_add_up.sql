{{ config(meta={"dagster": {"ref": {"name": "mart_receivables"}}}) }}
-- What each customer owes, from what has changed up to a month's end, is what is open then, from
-- the states of invoices; and what is owed now is what is open of each invoice now.
with
    receivables as (
        select
            *,
            not_due + overdue as owed,
            days_0_30 + days_31_60 + days_61_90 + days_over_90 as owed_by_age
        from {{ ref("mart_receivables") }}
        where exclusion_reason is null
    ),

    invoices as (
        select customer_key, sum(receivable) as owed
        from {{ ref("fct_invoices") }}
        where receivable > 0
        group by customer_key
    )

select customer_key, month_start, receivable as said, owed_by_age + on_account as found
from receivables
where receivable <> owed_by_age + on_account

union all

select customer_key, month_start, owed as said, owed_by_age as found
from receivables
where owed <> owed_by_age

union all

select
    receivables.customer_key,
    receivables.month_start,
    receivables.owed as said,
    coalesce(invoices.owed, 0) as found
from receivables
left join invoices on receivables.customer_key = invoices.customer_key
where receivables.is_current and receivables.owed <> coalesce(invoices.owed, 0)
