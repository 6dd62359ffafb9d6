-- The customers that subscriptions, invoices, payments and credit notes name, by source and id: in
-- the source of what names them, or, where that has no customers, in any other. One that nobody
-- knows has a key of its own all the same.
with
    customers as (select * from {{ ref("int_customers__unioned") }}),

    named as (
        {%- for entity in ["subscriptions", "invoices", "payments", "credit_notes"] %}
            select source_system, source_instance, customer_id
            from {{ ref("int_" ~ entity ~ "__unioned") }}
            where customer_id is not null {{ 'union' if not loop.last }}
        {%- endfor %}
    ),

    known as ({{ in_reach("named", "customers", "customer_key") }})

select
    named.source_instance,
    named.customer_id,
    coalesce(
        known.customer_key,
        {{ record_key("named.source_system", "named.source_instance", "named.customer_id") }}
    ) as customer_key,
    known.customer_key is not null as is_known
from named
left join
    known on named.source_instance = known.from_instance and named.customer_id = known.record_id
