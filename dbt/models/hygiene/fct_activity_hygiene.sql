-- One row per activity that is not deleted, one column per rule: true where the activity breaks
-- it, NULL where the rule does not apply to it.
with
    activities as (
        select
            *,
            {{ is_planned("activities") }} as is_planned,
            {{ local_day("due_at") }} as due_on,
            {{ local_day("occurred_at") }} as occurred_on
        from {{ ref("int_activities__unioned") }} as activities
        where not is_deleted
    ),

    deals as (
        select source_instance, opportunity_id, is_closed from {{ ref("fct_opportunities") }}
    ),

    later as (select * from {{ ref("int_data_after_as_of") }} where entity = 'activities'),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    given as (
        {{
            given_columns(
                "activities",
                [
                    "owner_id",
                    "opportunity_id",
                    "lead_id",
                    "contact_id",
                    "account_id",
                    "direction",
                ],
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
                when
                    given.direction
                    and activities.type in ('call', 'email', 'meeting', 'demo', 'message', 'chat')
                    and not activities.is_planned
                then activities.direction is null
            end as direction_missing,
            case
                when activities.owner_id is null
                then null
                when reps.left_on is null
                then false
                when activities.is_planned
                then reps.left_on < {{ as_of_day() }}
                else coalesce(reps.left_on < activities.occurred_on, false)
            end as after_owner_left,
            case
                when activities.is_planned
                then {{ dbt.datediff("activities.due_on", as_of_day(), "day") }} > 14
            end as long_overdue,
            case when activities.is_planned then deals.is_closed end as planned_on_closed_deal,
            later.entity_key is not null as data_after_as_of
        from activities
        full join later on activities.activity_key = later.entity_key
        left join reps on activities.owner_id = reps.rep_id
        left join given on activities.source_instance = given.source_instance
        left join
            deals
            on activities.source_instance = deals.source_instance
            and activities.opportunity_id = deals.opportunity_id
    )

select *
from final
