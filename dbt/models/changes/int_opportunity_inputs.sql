{%- set moments = ["source_updated_at"] -%}
{%- for column in contract().opportunities.columns if column.type in ("timestamp", "date") -%}
    {%- do moments.append(column.name) -%}
{%- endfor -%}
-- Of each deal a digest of what its rows are made of: its record, the versions of it that raw has
-- kept, the changes that are told of it and those that versions show, its account, and which
-- moments of theirs have passed.
with
    records as (
        select
            opportunity_key,
            source_instance,
            source_id,
            account_id,
            {{ hash_of("records") }} + {{ hash_of(passed("records", moments)) }} as digest
        from {{ ref("int_opportunities__unioned") }} as records
    ),

    versions as (
        select
            opportunity_key,
            sum(
                {{ hash_of("versions") }}
                + {{ hash_of(passed("versions", ["seen_at", "shown_at", "created_at"])) }}
            ) as digest
        from {{ ref("int_opportunity_versions") }} as versions
        group by opportunity_key
    ),

    told as (
        select
            source_instance,
            entity_id,
            sum(
                {{ hash_of("changes") }}
                + {{ hash_of(passed("changes", ["changed_at", "source_updated_at"])) }}
            ) as digest
        from {{ ref("int_field_changes__unioned") }} as changes
        where entity = 'opportunities'
        group by source_instance, entity_id
    ),

    untold as (
        select
            source_instance,
            entity_id,
            sum(
                {{ hash_of("changes") }} + {{ hash_of(passed("changes", ["changed_at"])) }}
            ) as digest
        from {{ ref("int_opportunity_version_changes") }} as changes
        group by source_instance, entity_id
    ),

    accounts as (
        select source_instance, source_id, {{ hash_of("account_key") }} as digest
        from {{ ref("int_accounts__unioned") }}
    )

select
    records.opportunity_key,
    records.source_instance,
    records.source_id,
    cast(
        records.digest
        + coalesce(versions.digest, 0)
        + coalesce(told.digest, 0)
        + coalesce(untold.digest, 0)
        + coalesce(accounts.digest, 0) as {{ dbt.type_string() }}
    ) as digest
from records
left join versions on records.opportunity_key = versions.opportunity_key
left join
    told on records.source_instance = told.source_instance and records.source_id = told.entity_id
left join
    untold
    on records.source_instance = untold.source_instance
    and records.source_id = untold.entity_id
left join
    accounts
    on records.source_instance = accounts.source_instance
    and records.account_id = accounts.source_id
