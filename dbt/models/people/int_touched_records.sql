-- The deals and leads that each person touched by a type of activity in a month, by the first such
-- touch, and whether the record advanced within 30 days of it. A touch says nothing where its 30
-- days are not over: judging those that advanced already, and not the others, would praise the
-- latest months. Nor does one on a deal that had closed, or on a lead that was an opportunity.
with
    activities as (
        select
            rep_id,
            {{ month_start("occurred_on") }} as month_start,
            activity_type,
            opportunity_key,
            case when opportunity_key is null then lead_key end as lead_key,
            occurred_at,
            content_id
        from {{ ref("fct_activities") }}
        where has_happened and rep_id is not null
    ),

    touches as (
        select
            rep_id,
            month_start,
            activity_type,
            opportunity_key,
            lead_key,
            min(occurred_at) as touched_at,
            max(case when content_id is not null then 1 else 0 end) = 1 as has_content
        from activities
        where opportunity_key is not null or lead_key is not null
        group by rep_id, month_start, activity_type, opportunity_key, lead_key
    ),

    deals as (
        select opportunity_key, closed_at
        from {{ ref("fct_opportunities") }}
        where removal is null and (status = 'open' or closed_at is not null)
    ),

    steps_ahead as (
        select opportunity_key, exited_at
        from {{ ref("fct_stage_visits") }}
        where ended_as in ('advanced', 'skipped', 'won')
    ),

    deals_touched as (
        select touches.*, deals.closed_at as ends_at
        from touches
        inner join deals on touches.opportunity_key = deals.opportunity_key
    ),

    deals_ahead as (
        select
            deals_touched.rep_id,
            deals_touched.month_start,
            deals_touched.activity_type,
            deals_touched.opportunity_key,
            min(steps_ahead.exited_at) as advanced_at
        from deals_touched
        inner join
            steps_ahead
            on deals_touched.opportunity_key = steps_ahead.opportunity_key
            and deals_touched.touched_at <= steps_ahead.exited_at
        group by
            deals_touched.rep_id,
            deals_touched.month_start,
            deals_touched.activity_type,
            deals_touched.opportunity_key
    ),

    leads as (select lead_key, opportunity_at from {{ ref("int_lead_funnel") }}),

    touched as (
        select deals_touched.*, deals_ahead.advanced_at
        from deals_touched
        left join
            deals_ahead
            on deals_touched.rep_id = deals_ahead.rep_id
            and deals_touched.month_start = deals_ahead.month_start
            and deals_touched.activity_type = deals_ahead.activity_type
            and deals_touched.opportunity_key = deals_ahead.opportunity_key

        union all

        select touches.*, leads.opportunity_at as ends_at, leads.opportunity_at as advanced_at
        from touches
        inner join leads on touches.lead_key = leads.lead_key
    ),

    final as (
        select
            rep_id,
            month_start,
            activity_type,
            opportunity_key,
            lead_key,
            touched_at,
            has_content,
            touched_at + interval '30 days' <= {{ as_of() }}
            and (ends_at is null or touched_at < ends_at) as is_judged,
            coalesce(advanced_at <= touched_at + interval '30 days', false) as has_advanced
        from touched
    )

select *
from final
