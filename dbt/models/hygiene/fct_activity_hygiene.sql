-- One row per activity that is not deleted, one column per rule: true where the activity breaks
-- it, NULL where the rule does not apply to it.
with
    activities as (select * from {{ ref("int_activities__unioned") }} where not is_deleted),

    later as (select * from {{ ref("int_data_after_as_of") }} where entity = 'activities'),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    given as (
        {{
            given_columns(
                "activities",
                ["owner_id", "opportunity_id", "lead_id", "contact_id", "account_id"],
            )
        }}
    ),

    final as (
        select
            coalesce(activities.activity_key, later.entity_key) as activity_key,
            coalesce(activities.source_instance, later.source_instance) as source_instance,
            coalesce(activities.source_id, later.source_id) as source_id,
            coalesce(activities.owner_id, later.owner_id) as rep_id,
            case when given.owner_id then activities.owner_id is null end as owner_missing,
            case
                when given.opportunity_id or given.lead_id or given.contact_id or given.account_id
                then
                    coalesce(
                        activities.opportunity_id,
                        activities.lead_id,
                        activities.contact_id,
                        activities.account_id
                    )
                    is null
            end as about_nothing,
            case
                when activities.owner_id is null
                then null
                when reps.left_on is null
                then false
                else coalesce(reps.left_on < {{ local_day("activities.occurred_at") }}, false)
            end as after_owner_left,
            later.entity_key is not null as data_after_as_of
        from activities
        full join later on activities.activity_key = later.entity_key
        left join reps on activities.owner_id = reps.rep_id
        left join given on activities.source_instance = given.source_instance
    )

select *
from final
