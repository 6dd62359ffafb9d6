-- One row per inbound activity of somebody who may expect an answer, with the first that came: the
-- next outbound activity on the same deal or lead, or with the same contact or account.
with
    activities as (
        select * from {{ ref("fct_activities") }} where is_done and direction in ('in', 'out')
    ),

    -- Backwards in time, and what came in at the moment of an answer before that answer: it is of a
    -- later moment or none. An id that no record has stands for itself.
    {%- set parties = ["opportunity", "lead", "contact", "account"] %}
    {%- for party in parties %}
        of_{{ party }} as (
            select
                coalesce({{ party }}_key, source_instance || '|' || {{ party }}_id) as party_key,
                activity_key,
                occurred_at,
                direction,
                case when direction = 'out' and has_happened then occurred_at end as answered_at
            from activities
            where
                coalesce({{ party }}_key, {{ party }}_id) is not null
                and (has_happened or direction = 'in')
                and (direction = 'out' or activity_type not in ('task', 'note'))
        ),
    {%- endfor %}

    with_answers as (
        {%- for party in parties %}
            select
                activity_key,
                direction,
                min(answered_at) over (
                    partition by party_key
                    order by occurred_at desc, direction
                    rows between unbounded preceding and current row
                ) as answered_at
            from of_{{ party }} {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    inquiries as (
        select activity_key, min(answered_at) as answered_at
        from with_answers
        where direction = 'in'
        group by activity_key
    ),

    deals as (select opportunity_key, rep_id from {{ ref("fct_opportunities") }}),

    leads as (select lead_key, owner_id as rep_id from {{ ref("int_leads__unioned") }}),

    owned as (
        select
            activities.activity_key,
            activities.activity_id,
            activities.activity_type,
            activities.source_instance,
            activities.is_deleted,
            activities.occurred_at,
            activities.occurred_on,
            activities.occurred_is_bare,
            activities.opportunity_key,
            activities.lead_key,
            activities.contact_key,
            activities.account_key,
            inquiries.answered_at,
            coalesce(activities.rep_id, deals.rep_id, leads.rep_id) as rep_id
        from inquiries
        inner join activities on inquiries.activity_key = activities.activity_key
        left join deals on activities.opportunity_key = deals.opportunity_key
        left join leads on activities.lead_key = leads.lead_key
    ),

    told as (
        select distinct source_instance
        from {{ ref("fct_activities") }}
        where has_happened and direction = 'out'
    ),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    final as (
        select
            owned.activity_key,
            owned.activity_id,
            owned.activity_type,
            owned.source_instance,
            owned.is_deleted,
            owned.occurred_at,
            owned.occurred_on,
            owned.opportunity_key,
            owned.lead_key,
            owned.contact_key,
            owned.account_key,
            owned.rep_id,
            versions.team,
            versions.manager_id,
            reps.region,
            reps.segment,
            owned.answered_at,
            owned.answered_at is not null as is_answered,
            owned.occurred_is_bare
            or coalesce({{ is_bare_day("owned.answered_at") }}, false) as is_without_time,
            owned.answered_at is null
            and owned.occurred_at > {{ as_of() }} - interval '24 hours' as is_not_due,
            told.source_instance is not null as are_answers_told,
            coalesce(
                owned.answered_at <= owned.occurred_at + interval '24 hours', false
            ) as is_within_24h,
            {{ hours_between("owned.occurred_at", "owned.answered_at") }} as hours
        from owned
        left join reps on owned.rep_id = reps.rep_id
        left join
            versions
            on owned.rep_id = versions.rep_id
            and {{ is_version_at("versions", "owned.occurred_at") }}
        left join told on owned.source_instance = told.source_instance
    )

select *
from final
