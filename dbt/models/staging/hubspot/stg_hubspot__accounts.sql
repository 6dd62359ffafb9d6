with
    companies as ({{ latest_versions("hubspot", "companies") }}),

    final as (
        select
            {{ staged_record_columns("hubspot", "accounts", "companies") }},
            {{ extra_of("accounts", "companies") }}
            coalesce(companies.name, companies.domain, companies.source_id) as name,
            companies.domain,
            companies.industry,
            companies.segment,
            companies.region,
            companies.numberofemployees as employees,
            companies.hs_parent_company_id as parent_id,
            companies.hubspot_owner_id as owner_id,
            companies.createdate as created_at
        from companies
    )

select *
from final
