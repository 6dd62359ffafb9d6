with
    leads as ({{ latest_versions("hubspot", "leads") }}),

    stages as ({{ latest_versions("hubspot", "stages") }}),

    final as (
        select
            {{ staged_record_columns("hubspot", "leads", "leads") }},
            {{ extra_of("leads", "leads") }}
            leads.hs_createdate as created_at,
            leads.hs_lead_name as name,
            leads.hs_associated_contact_email as email,
            leads.company_id as account_id,
            leads.contact_id,
            leads.hubspot_owner_id as owner_id,
            leads.channel,
            leads.campaign_id,
            coalesce(stages.label, leads.hs_pipeline_stage) as status,
            {{ hubspot_moment("leads.qualified_at") }} as qualified_at,
            {{ hubspot_moment("leads.accepted_at") }} as accepted_at,
            {{ hubspot_moment("leads.first_response_at") }} as first_response_at,
            {{ hubspot_moment("leads.converted_at") }} as converted_at,
            leads.deal_id as opportunity_id
        from leads
        left join
            stages
            on leads.source_instance = stages.source_instance
            and stages.object = 'leads'
            and leads.hs_pipeline_stage = stages.stage_id
    )

select *
from final
