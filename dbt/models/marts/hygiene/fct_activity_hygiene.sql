-- One row per activity that is not deleted, one column per rule: true where the activity breaks
-- it, NULL where the rule does not apply to it.
with
    activities as (select * from {{ ref("int_activities__unioned") }} where not is_deleted),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    final as (
        select
            activities.activity_key,
            activities.source_instance,
            activities.source_id,
            activities.owner_id as rep_id,
            activities.owner_id is null as owner_missing,
            coalesce(
                activities.opportunity_id,
                activities.lead_id,
                activities.contact_id,
                activities.account_id
            )
            is null as about_nothing,
            case
                when activities.owner_id is null
                then null
                when reps.left_on is null
                then false
                else coalesce(reps.left_on < {{ local_day("activities.occurred_at") }}, false)
            end as after_owner_left
        from activities
        left join reps on activities.owner_id = reps.rep_id
    )

select *
from final
