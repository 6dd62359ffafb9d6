-- What each customer owes, from what has changed up to a month's end, is what is open then, from
-- the states of invoices: each computed without the other.
select customer_key, month_start, receivable, days_0_30, on_account
from {{ ref("mart_receivables") }}
where
    receivable <> days_0_30 + days_31_60 + days_61_90 + days_over_90 + on_account
    or not_due + overdue <> days_0_30 + days_31_60 + days_61_90 + days_over_90

union all

select
    coalesce(mart.customer_key, invoices.customer_key) as customer_key,
    mart.month_start,
    mart.receivable,
    invoices.receivable as days_0_30,
    mart.on_account
from
    (
        select customer_key, sum(receivable) as receivable
        from {{ ref("fct_invoices") }}
        where receivable > 0
        group by customer_key
    ) as invoices
full outer join
    (select * from {{ ref("mart_receivables") }} where is_current) as mart
    on invoices.customer_key = mart.customer_key
where
    mart.exclusion_reason is null
    and coalesce(invoices.receivable, 0) <> coalesce(mart.not_due + mart.overdue, 0)
