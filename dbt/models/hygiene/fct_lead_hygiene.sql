-- One row per lead that is not deleted, one column per rule: true where the lead breaks it, NULL
-- where the rule does not apply to it.
with
    leads as (select * from {{ ref("int_leads__unioned") }} where not is_deleted),

    later as (select * from {{ ref("int_data_after_as_of") }} where entity = 'leads'),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    given as ({{ given_columns("leads", ["owner_id", "channel", "opportunity_id"]) }}),

    final as (
        select
            coalesce(leads.lead_key, later.entity_key) as lead_key,
            coalesce(leads.source_instance, later.source_instance) as source_instance,
            coalesce(leads.source_id, later.source_id) as source_id,
            coalesce(leads.owner_id, later.owner_id) as rep_id,
            case when given.owner_id then leads.owner_id is null end as owner_missing,
            case when given.channel then leads.channel is null end as channel_missing,
            leads.converted_at < leads.created_at as converted_before_created,
            case
                when given.opportunity_id and leads.converted_at is not null
                then leads.opportunity_id is null
            end as converted_without_opportunity,
            case
                when leads.converted_at is null and leads.owner_id is not null
                then coalesce(reps.left_on < {{ as_of_day() }}, false)
            end as owner_left,
            later.entity_key is not null as data_after_as_of
        from leads
        full join later on leads.lead_key = later.entity_key
        left join reps on leads.owner_id = reps.rep_id
        left join given on leads.source_instance = given.source_instance
    )

select *
from final
