-- One row per contact that is not deleted, one column per rule: true where the contact breaks it.
with
    contacts as (select * from {{ ref("int_contacts__unioned") }} where not is_deleted),

    later as (select * from {{ ref("int_data_after_as_of") }} where entity = 'contacts'),

    given as ({{ given_columns("contacts", ["account_id", "email"]) }}),

    final as (
        select
            coalesce(contacts.contact_key, later.entity_key) as contact_key,
            coalesce(contacts.source_instance, later.source_instance) as source_instance,
            coalesce(contacts.source_id, later.source_id) as source_id,
            case when given.account_id then contacts.account_id is null end as account_missing,
            case when given.email then contacts.email is null end as email_missing,
            later.entity_key is not null as data_after_as_of
        from contacts
        full join later on contacts.contact_key = later.entity_key
        left join given on contacts.source_instance = given.source_instance
    )

select *
from final
