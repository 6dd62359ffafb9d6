{%- set text = dbt.type_string() -%}
-- What each customer owes at the end of each month, ninety times, and what they were invoiced in
-- the ninety days before. The company has every month since the first invoice.
with
    receivables as (select * from {{ ref("mart_receivables") }}),

    customers as (select * from {{ ref("dim_customer") }})

select
    'default' as variant,
    {{ customer_member("receivables", "customers.plan") }},
    receivables.month_start as period_on,
    cast(null as {{ text }}) as side,
    90 * receivables.receivable as numerator,
    receivables.invoiced_90_days as denominator,
    receivables.exclusion_reason
from receivables
left join customers on receivables.customer_key = customers.customer_key
where
    receivables.receivable <> 0
    or receivables.invoiced_90_days <> 0
    or receivables.exclusion_reason is not null

union all

select distinct
    'default' as variant,
    'customer' as entity,
    cast(null as {{ text }}) as entity_key,
    cast(null as {{ text }}) as entity_id,
    {%- for cut in customer_cuts() %} cast(null as {{ text }}) as {{ cut }}, {%- endfor %}
    month_start as period_on,
    'denominator' as side,
    cast(null as {{ numeric_type() }}) as numerator,
    0 as denominator,
    cast(null as {{ text }}) as exclusion_reason
from receivables
