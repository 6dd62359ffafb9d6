-- Everyone who owns a deal, a lead or a quota, or may. An owner whom no source describes is there
-- by id, so that no credit is lost.
with
    people as (select * from {{ ref("int_people") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    owners as (
        select distinct owner_id
        from {{ ref("int_opportunities__unioned") }}
        where owner_id is not null
        union
        select distinct new_value as owner_id
        from {{ ref("int_opportunity_changes") }}
        where field = 'owner_id' and new_value <> ''
        union
        select distinct old_value as owner_id
        from {{ ref("int_opportunity_changes") }}
        where field = 'owner_id' and old_value <> ''
        union
        select distinct owner_id
        from {{ ref("int_leads__unioned") }}
        where owner_id is not null
        union
        select distinct owner_id
        from {{ ref("int_activities__unioned") }}
        where owner_id is not null
        union
        select distinct owner_id
        from {{ ref("int_quotas__unioned") }}
        where owner_id is not null
    ),

    known as (
        select people.*, versions.team as team_now, versions.manager_id as manager_now
        from people
        inner join
            versions
            on people.source_id = versions.rep_id
            and versions.valid_to = {{ end_of_time() }}
    ),

    final as (
        select
            known.user_key,
            known.source_id as rep_id,
            {{ person("known.name", "known.source_id") }} as rep_name,
            known.role,
            known.team_now as team,
            known.manager_now as manager_id,
            {{ person("managers.name", "managers.source_id") }} as manager_name,
            known.region,
            known.segment,
            known.hired_on,
            known.left_on,
            {{ extra_of("users", "known") }}
            coalesce(known.is_active, true)
            and not known.is_deleted
            and (known.left_on is null or known.left_on >= {{ as_of_day() }}) as is_active
        from known
        left join known as managers on known.manager_now = managers.source_id

        union all

        select
            {{ record_key("'unknown'", "'owner'", "owners.owner_id") }} as user_key,
            owners.owner_id as rep_id,
            owners.owner_id as rep_name,
            cast(null as {{ dbt.type_string() }}) as role,
            cast(null as {{ dbt.type_string() }}) as team,
            cast(null as {{ dbt.type_string() }}) as manager_id,
            cast(null as {{ dbt.type_string() }}) as manager_name,
            cast(null as {{ dbt.type_string() }}) as region,
            cast(null as {{ dbt.type_string() }}) as segment,
            cast(null as date) as hired_on,
            cast(null as date) as left_on,
            {{ no_extra_of("users") }}
            true as is_active
        from owners
        left join known on owners.owner_id = known.source_id
        where known.source_id is null
    )

select *
from final
