with
    contacts as ({{ latest_versions("hubspot", "contacts") }}),

    final as (
        select
            {{ staged_record_columns("hubspot", "contacts", "contacts") }},
            {{ extra_of("contacts", "contacts") }}
            contacts.email,
            coalesce(
                nullif(
                    trim(
                        coalesce(contacts.firstname, '') || ' ' || coalesce(contacts.lastname, '')
                    ),
                    ''
                ),
                contacts.email,
                contacts.source_id
            ) as name,
            contacts.company_id as account_id,
            contacts.jobtitle as title,
            contacts.createdate as created_at
        from contacts
    )

select *
from final
