-- Payments as they came; `net` less what was paid back.
with
    payments as (
        select payments.*, {{ customer_cuts_of("customers", "customers.plan") }}
        from {{ ref("fct_payments") }} as payments
        left join
            {{ ref("dim_customer") }} as customers on payments.customer_key = customers.customer_key
    )

{%- for variant, condition in [("default", "kind = 'payment'"), ("net", "true")] %}

    select
        '{{ variant }}' as variant,
        'payment' as entity,
        payment_key as entity_key,
        payment_id as entity_id,
        {{ customer_cuts() | join(", ") }},
        occurred_on as period_on,
        case when kind = 'refund' then - amount else amount end as numerator,
        null as denominator,
        exclusion_reason
    from payments
    where {{ condition }} {{ 'union all' if not loop.last }}
{%- endfor %}
