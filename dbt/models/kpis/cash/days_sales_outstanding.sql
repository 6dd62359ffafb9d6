-- What each customer owes at the end of each month, ninety times, and what they were invoiced in
-- the ninety days before.
select
    'default' as variant,
    'customer' as entity,
    receivables.customer_key as entity_key,
    coalesce(customers.customer_id, receivables.customer_key) as entity_id,
    {{ customer_cuts_of("customers", "customers.plan") }},
    receivables.month_start as period_on,
    90 * receivables.receivable as numerator,
    receivables.invoiced_90_days as denominator,
    receivables.exclusion_reason
from {{ ref("mart_receivables") }} as receivables
left join
    {{ ref("dim_customer") }} as customers on receivables.customer_key = customers.customer_key
where
    receivables.receivable <> 0
    or receivables.invoiced_90_days <> 0
    or receivables.exclusion_reason is not null
