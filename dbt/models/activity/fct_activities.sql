{{
    increment(
        "activities",
        key="activity_key",
        of=["int_activities__unioned"],
        apart=[
            "int_surviving_deals",
            "int_leads__unioned",
            "int_contacts__unioned",
            "dim_account",
            "fct_opportunities",
            "dim_rep",
            "int_user_versions",
        ],
    )
}}
-- One row per activity, planned and deleted ones included and marked: who did it, in which team
-- they then were, and the records that it was about.
with
    activities as ({{ activities_alone() }}),

    {{ ctes_of_activity_links() }},

    on_local_clocks as (select *, {{ local_time("occurred_at") }} as occurred_local from linked),

    final as (
        select
            activities.activity_key,
            activities.source_system,
            activities.source_instance,
            activities.activity_id,
            activities.activity_type,
            activities.direction,
            activities.occurred_at,
            cast(activities.occurred_local as date) as occurred_on,
            coalesce(
                {{ is_bare_day("activities.occurred_at", "activities.occurred_local") }}, false
            ) as occurred_is_bare,
            activities.is_done,
            activities.has_happened,
            activities.is_planned,
            activities.due_at,
            activities.is_deleted,
            activities.rep_id,
            activities.rep_name,
            activities.team,
            activities.manager_id,
            activities.region,
            activities.segment,
            activities.opportunity_key,
            activities.opportunity_id,
            activities.lead_key,
            activities.lead_id,
            activities.contact_key,
            activities.contact_id,
            activities.account_key,
            activities.account_id,
            activities.duration_seconds,
            activities.outcome,
            activities.content_id
        from on_local_clocks as activities
    )

select *
from final
