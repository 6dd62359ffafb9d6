with
    owners as ({{ latest_versions("hubspot", "owners") }}),

    users as ({{ latest_versions("hubspot", "users") }}),

    -- One user record per owner, should a portal have several.
    descriptions as (
        select
            *,
            row_number() over (
                partition by source_instance, hubspot_owner_id
                order by case when is_deleted then 1 else 0 end, source_row desc
            ) as choice
        from users
        where hubspot_owner_id is not null
    ),

    final as (
        select
            {{ staged_record_columns("hubspot", "users", "owners") }},
            {{ extra_of("users", "descriptions") }}
            coalesce(
                nullif(
                    trim(coalesce(owners.first_name, '') || ' ' || coalesce(owners.last_name, '')),
                    ''
                ),
                owners.email,
                owners.source_id
            ) as name,
            owners.email,
            case
                when lower(descriptions.role) in ('rep', 'manager', 'sdr', 'marketing')
                then lower(descriptions.role)
                when descriptions.role is not null
                then 'other'
            end as role,
            owners.team,
            descriptions.manager_id,
            descriptions.region,
            descriptions.segment,
            descriptions.hired_on,
            descriptions.left_on,
            not owners.is_archived as is_active
        from owners
        left join
            descriptions
            on owners.source_instance = descriptions.source_instance
            and owners.source_id = descriptions.hubspot_owner_id
            and descriptions.choice = 1
    )

select *
from final
