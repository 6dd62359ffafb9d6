-- The customers that subscriptions, invoices, payments and credit notes name, by source and id: in
-- the source of what names them, or, where that has no customers, in any other. One that nobody
-- knows has a key of its own all the same.
with
    customers as (select * from {{ ref("int_customers__unioned") }}),

    named as (
        {%- for entity in ["subscriptions", "invoices", "payments", "credit_notes"] %}
            select source_system, source_instance, customer_id
            from {{ ref("int_" ~ entity ~ "__unioned") }}
            where customer_id is not null
            {{ 'union' if not loop.last }}
        {%- endfor %}
    ),

    elsewhere as (
        select named.source_instance, named.customer_id, min(customers.customer_key) as customer_key
        from named
        inner join customers on named.customer_id = customers.source_id
        where
            named.source_instance = customers.source_instance
            or named.source_instance not in (select source_instance from customers)
        group by named.source_instance, named.customer_id
    )

select
    named.source_instance,
    named.customer_id,
    coalesce(
        elsewhere.customer_key,
        {{ record_key("named.source_system", "named.source_instance", "named.customer_id") }}
    ) as customer_key,
    elsewhere.customer_key is not null as is_known
from named
left join
    elsewhere
    on named.source_instance = elsewhere.source_instance
    and named.customer_id = elsewhere.customer_id
