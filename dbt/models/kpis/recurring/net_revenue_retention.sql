-- Customers that paid twelve months before a month's end.
with customers as (select * from {{ ref("dim_customer") }})

select
    'default' as variant,
    {{ customer_member("compared", "compared.plan") }},
    compared.month_start as period_on,
    compared.closing as numerator,
    compared.revalued as denominator,
    case
        when compared.closing is null or compared.revalued is null then 'no_rate'
    end as exclusion_reason
from {{ ref("int_mrr_compared") }} as compared
left join customers on compared.customer_key = customers.customer_key
where compared.span = 'twelve_months' and compared.paid_then
