-- Customers that paid when a month, quarter or year began.
with customers as (select * from {{ ref("dim_customer") }})

select
    'default' as variant,
    {{ customer_member("compared", "compared.plan") }},
    compared.month_start as period_on,
    compared.span as counts_in,
    case when compared.pays_now then 1 else 0 end as numerator,
    1 as denominator,
    cast(null as {{ dbt.type_string() }}) as exclusion_reason
from {{ ref("int_mrr_compared") }} as compared
left join customers on compared.customer_key = customers.customer_key
where compared.span in ('month', 'quarter', 'year') and compared.paid_then
