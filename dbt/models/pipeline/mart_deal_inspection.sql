{%- set signals = [
    "is_old_in_stage",
    "is_overdue",
    "is_pushed_often",
    "is_amount_cut",
    "is_untouched",
    "is_unanswered",
    "is_single_threaded",
    "is_next_step_missing",
    "is_next_step_overdue",
] -%}
{%- set is_ahead = local_day("activities.due_at") ~ " >= " ~ as_of_day() -%}
-- Every open deal with the signs that it may not close as expected, each beside its evidence. A
-- sign is NULL where the sources do not tell: no activities, no contacts, no plans, no history.
with
    deals as (select * from {{ ref("fct_opportunities") }} where is_open),

    stays as (
        select *, {{ days_between("entered_at", as_of()) }} as age_days
        from {{ ref("fct_stage_visits") }}
        where ended_as = 'open'
    ),

    durations as (select * from {{ ref("int_stage_durations") }}),

    -- What a date that was taken away was, the change that took it away tells.
    told_changes as (
        select
            opportunity_key,
            field,
            position,
            changed_at,
            case
                when old_value is not null or field <> 'close_date'
                then old_value
                else lag(old_value) over (partition by opportunity_key, field order by position)
            end as old_value,
            new_value
        from {{ ref("fct_opportunity_changes") }}
        where
            field in ('close_date', 'amount')
            and opportunity_key in (select opportunity_key from deals)
    ),

    changes as (
        select
            opportunity_key,
            field,
            position,
            changed_at,
            case
                when field = 'close_date' then {{ date_from_text("old_value") }}
            end as old_close_date,
            case
                when field = 'close_date' then {{ date_from_text("new_value") }}
            end as new_close_date,
            case when field = 'amount' then {{ money_from_text("old_value") }} end as old_amount,
            case when field = 'amount' then {{ money_from_text("new_value") }} end as new_amount
        from told_changes
    ),

    changed as (
        select
            opportunity_key,
            count(case when new_close_date > old_close_date then 1 end) as pushes,
            max(case when new_close_date > old_close_date then changed_at end) as last_pushed_at,
            coalesce(
                max(case when field = 'close_date' and position = 1 then old_close_date end),
                max(case when field = 'close_date' and position = 1 then new_close_date end)
            ) as first_close_date,
            count(
                case when field = 'amount' and old_amount is not null then 1 end
            ) as amount_changes,
            coalesce(
                max(case when field = 'amount' and position = 1 then old_amount end),
                max(case when field = 'amount' and position = 1 then new_amount end)
            ) as first_amount_native
        from changes
        group by opportunity_key
    ),

    histories as (
        select
            source_instance,
            max(case when field = 'close_date' then known_from end) as dates_known_from,
            max(case when field = 'amount' then known_from end) as amounts_known_from
        from {{ ref("int_field_histories") }}
        group by source_instance
    ),

    activities as (
        select
            source_instance,
            opportunity_id,
            contact_id,
            type,
            direction,
            occurred_at,
            planned_at,
            due_at,
            is_done,
            {{ happened("activities") }} as has_happened,
            {{ is_planned("activities") }} as is_planned
        from {{ ref("int_activities__unioned") }} as activities
        where opportunity_id is not null and not is_deleted
    ),

    -- What a source tells at all: whether its activities are about deals, with whom they were, and
    -- which are planned; in a look back, which were by then, as most of them are done by now.
    told as (
        select
            source_instance,
            max(case when has_happened then 1 else 0 end) = 1 as tells_activities,
            max(case when has_happened and contact_id is not null then 1 else 0 end)
            = 1 as tells_contacts,
            max(case when has_happened and direction = 'in' then 1 else 0 end)
            = 1 as tells_directions,
            max(case when due_at is not null or is_done = false then 1 else 0 end) = 1
            and (
                not {{ is_look_back() }}
                or max(case when planned_at is not null then 1 else 0 end) = 1
            ) as tells_plans
        from activities
        group by source_instance
    ),

    touched as (
        select
            deals.opportunity_key,
            count(*) as touches,
            max(activities.occurred_at) as last_touch_at,
            max(
                case when activities.direction = 'in' then activities.occurred_at end
            ) as last_inbound_at,
            max(
                case when activities.direction = 'out' then activities.occurred_at end
            ) as last_outbound_at,
            count(distinct activities.contact_id) as contacts_engaged
        from activities
        inner join
            deals
            on activities.source_instance = deals.source_instance
            and activities.opportunity_id = deals.opportunity_id
        where
            activities.type in ('call', 'email', 'meeting', 'demo', 'message', 'chat')
            and activities.has_happened
        group by deals.opportunity_key
    ),

    -- The step that is due next; where none is, the last that was.
    planned as (
        select
            deals.opportunity_key,
            count(*) as steps_planned,
            min(case when {{ is_ahead }} then activities.due_at end) as due_next_at,
            max(activities.due_at) as due_last_at
        from activities
        inner join
            deals
            on activities.source_instance = deals.source_instance
            and activities.opportunity_id = deals.opportunity_id
        where activities.is_planned
        group by deals.opportunity_key
    ),

    with_evidence as (
        select
            deals.*,
            stays.entered_at as in_stage_since,
            stays.is_entry_known,
            stays.visit_number,
            stays.age_days as days_in_stage,
            durations.stays_ended as stage_stays_ended,
            durations.median_days as stage_median_days,
            durations.p75_days as stage_p75_days,
            durations.p90_days as stage_p90_days,
            {%- set begins_at = unknown_as_first("deals.created_at") %}
            case
                when {{ begins_at }} >= histories.dates_known_from
                then coalesce(changed.pushes, 0)
                else nullif(changed.pushes, 0)
            end as pushes,
            changed.last_pushed_at,
            {{ begins_at }} >= histories.dates_known_from as are_pushes_known,
            case
                when {{ begins_at }} >= histories.dates_known_from
                then coalesce(changed.first_close_date, deals.close_date)
            end as first_close_date,
            case
                when {{ begins_at }} >= histories.amounts_known_from
                then coalesce(changed.amount_changes, 0)
                else nullif(changed.amount_changes, 0)
            end as amount_changes,
            case
                when {{ begins_at }} >= histories.amounts_known_from
                then coalesce(changed.first_amount_native, deals.amount_native)
            end as first_amount_native,
            coalesce(told.tells_activities, false) as tells_activities,
            told.tells_contacts,
            told.tells_directions,
            case when told.tells_activities then coalesce(touched.touches, 0) end as touches,
            touched.last_touch_at,
            touched.last_inbound_at,
            touched.last_outbound_at,
            case
                when told.tells_contacts then coalesce(touched.contacts_engaged, 0)
            end as contacts_engaged,
            {{
                dbt.datediff(
                    local_day("coalesce(touched.last_touch_at, deals.created_at)"),
                    as_of_day(),
                    "day",
                )
            }} as days_since_touch,
            case when told.tells_plans then coalesce(planned.steps_planned, 0) end as steps_planned,
            case
                when told.tells_plans then coalesce(planned.due_next_at, planned.due_last_at)
            end as next_step_at,
            case
                when told.tells_plans
                then planned.due_last_at is not null and planned.due_next_at is null
            end as is_next_step_overdue,
            {{ dbt.datediff("deals.close_date", as_of_day(), "day") }} as days_overdue
        from deals
        left join stays on deals.opportunity_key = stays.opportunity_key
        left join
            durations
            on deals.source_instance = durations.source_instance
            and {{ or_none("deals.pipeline") }} = durations.pipeline
            and deals.stage = durations.stage
        left join changed on deals.opportunity_key = changed.opportunity_key
        left join histories on deals.source_instance = histories.source_instance
        left join told on deals.source_instance = told.source_instance
        left join touched on deals.opportunity_key = touched.opportunity_key
        left join planned on deals.opportunity_key = planned.opportunity_key
    ),

    judged as (
        select
            *,
            case
                when is_entry_known and {{ is_enough("stage_stays_ended") }}
                then days_in_stage > stage_p90_days
            end as is_old_in_stage,
            days_overdue > 0 as is_overdue,
            case when pushes >= 2 then true when are_pushes_known then false end as is_pushed_often,
            coalesce(amount_native, 0) < first_amount_native as is_amount_cut,
            case when tells_activities then days_since_touch > 14 end as is_untouched,
            case
                when tells_directions
                then coalesce(last_inbound_at > {{ unknown_as_first("last_outbound_at") }}, false)
            end as is_unanswered,
            case when tells_contacts then contacts_engaged < 2 end as is_single_threaded,
            steps_planned = 0 as is_next_step_missing
        from with_evidence
    ),

    final as (
        select
            opportunity_key,
            opportunity_id,
            opportunity_name,
            account_key,
            rep_id,
            rep_name,
            team,
            manager_id,
            pipeline,
            stage,
            stage_order,
            amount_native,
            currency,
            amount,
            created_on,
            close_date,
            cast(
                {% for signal in signals %}
                    case when {{ signal }} then 1 else 0 end{{ ' + ' if not loop.last }}
                {% endfor %} as integer
            ) as signals,
            is_old_in_stage,
            in_stage_since,
            is_entry_known,
            cast(visit_number as bigint) as visit_number,
            cast(days_in_stage as {{ double_type() }}) as days_in_stage,
            cast(stage_median_days as {{ double_type() }}) as stage_median_days,
            cast(stage_p75_days as {{ double_type() }}) as stage_p75_days,
            cast(stage_p90_days as {{ double_type() }}) as stage_p90_days,
            cast(stage_stays_ended as bigint) as stage_stays_ended,
            is_overdue,
            cast(case when days_overdue > 0 then days_overdue end as bigint) as days_overdue,
            is_pushed_often,
            cast(pushes as bigint) as pushes,
            last_pushed_at,
            first_close_date,
            is_amount_cut,
            cast(amount_changes as bigint) as amount_changes,
            first_amount_native,
            is_untouched,
            cast(touches as bigint) as touches,
            last_touch_at,
            cast(
                case when tells_activities then days_since_touch end as bigint
            ) as days_since_touch,
            is_unanswered,
            last_inbound_at,
            last_outbound_at,
            is_single_threaded,
            cast(contacts_engaged as bigint) as contacts_engaged,
            is_next_step_missing,
            is_next_step_overdue,
            next_step_at,
            cast(steps_planned as bigint) as steps_planned
        from judged
    )

select *
from final
