-- One row per lead that is not deleted, one column per rule: true where the lead breaks it, NULL
-- where the rule does not apply to it.
with
    leads as (select * from {{ ref("int_leads__unioned") }} where not is_deleted),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    final as (
        select
            leads.lead_key,
            leads.source_instance,
            leads.source_id,
            leads.owner_id as rep_id,
            leads.owner_id is null as owner_missing,
            leads.channel is null as channel_missing,
            leads.converted_at < leads.created_at as converted_before_created,
            case
                when leads.converted_at is not null then leads.opportunity_id is null
            end as converted_without_opportunity,
            case
                when leads.converted_at is null and leads.owner_id is not null
                then coalesce(reps.left_on < {{ as_of_day() }}, false)
            end as owner_left
        from leads
        left join reps on leads.owner_id = reps.rep_id
    )

select *
from final
