with
    customers as ({{ latest_versions("stripe", "customers") }}),

    final as (
        select
            {{
                staged_record_columns(
                    "stripe",
                    "customers",
                    "customers",
                    is_deleted="coalesce(customers.is_deleted, false)",
                )
            }},
            {{ no_extra_of("customers") }}
            customers.name,
            customers.email,
            customers.domain,
            customers.account_id,
            customers.created as created_at
        from customers
    )

select *
from final
