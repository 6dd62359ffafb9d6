-- One row per contact that is not deleted, one column per rule: true where the contact breaks it.
with
    contacts as (select * from {{ ref("int_contacts__unioned") }} where not is_deleted),

    final as (
        select
            contact_key,
            source_instance,
            source_id,
            account_id is null as account_missing,
            email is null as email_missing
        from contacts
    )

select *
from final
