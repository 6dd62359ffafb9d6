-- Companies that are sold to, deleted ones included.
with
    accounts as (select * from {{ ref("int_accounts__unioned") }}),

    final as (
        select
            account_key,
            source_instance,
            source_id as account_id,
            name as account_name,
            domain,
            industry,
            segment,
            region,
            employees,
            parent_id,
            owner_id as rep_id,
            created_at,
            {{ extra_of("accounts", "accounts") }}
            is_deleted
        from accounts
    )

select *
from final
