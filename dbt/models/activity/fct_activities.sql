{{
    increment(
        "activities",
        key="activity_key",
        of=["int_activities__unioned"],
        compared={"dim_rep": "select rep_id, rep_name, region, segment from {rows}"},
        apart=[
            "int_surviving_deals",
            "int_leads__unioned",
            "int_contacts__unioned",
            "dim_account",
            "fct_opportunities",
        ],
    )
}}
-- One row per activity, planned and deleted ones included and marked: who did it, in which team
-- they then were, and the records that it was about.
with
    {{ ctes_of_activity_facts() }},

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    on_local_clocks as (select *, {{ local_time("occurred_at") }} as occurred_local from facts),

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
            reps.rep_name,
            versions.team,
            versions.manager_id,
            reps.region,
            reps.segment,
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
        left join reps on activities.rep_id = reps.rep_id
        left join
            versions
            on activities.rep_id = versions.rep_id
            and {{ is_version_at("versions", "coalesce(activities.occurred_at, " ~ as_of() ~ ")") }}
    )

select *
from final
