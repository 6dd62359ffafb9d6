-- One row per stay of a deal in a stage, and per stage that it skipped.
with visits as (
    select * from {{ ref('int_stage_visits') }}
    where stage is not null
),

opportunities as (
    select opportunity_key, opportunity_id, removal, removed_at from {{ ref('fct_opportunities') }}
),

stages as (
    select
        *,
        source_instance || '|' || coalesce(pipeline, '') as path
    from {{ ref('int_pipeline_stages__unioned') }}
    where status = 'open' and not is_deleted
),

reps as (
    select rep_id, team from {{ ref('dim_rep') }}
),

rates as (
    select * from {{ ref('int_fx_rates__daily') }}
),

-- Deleting or merging a deal ends the stay that it was in.
stays as (
    select
        visits.*,
        opportunities.opportunity_id,
        opportunities.removal,
        visits.next_stage is null and opportunities.removal is not null as is_removed,
        case
            when visits.next_stage is not null or opportunities.removal is null then visits.exited_at
            when opportunities.removed_at < visits.entered_at then visits.entered_at
            else opportunities.removed_at
        end as left_at
    from visits
    inner join opportunities on visits.opportunity_key = opportunities.opportunity_key
),

-- A deal that skips a stage enters it and leaves it in the instant of the move.
with_skipped as (
    select
        opportunity_key, opportunity_id, source_instance, pipeline, position, stage, stage_order, status,
        visit_number, entered_at, left_at as exited_at, is_removed, next_stage, stages_skipped, ended_as, led_higher,
        led_to_win, is_entry_known, owner_id, amount_native, currency, removal,
        false as is_skipped
    from stays

    union all

    select
        stays.opportunity_key, stays.opportunity_id, stays.source_instance, stays.pipeline, stays.position,
        stages.stage, stages.stage_order, stages.status, null as visit_number, stays.exited_at as entered_at,
        stays.exited_at, false as is_removed, stays.next_stage, 0 as stages_skipped, 'skipped' as ended_as, true as led_higher,
        stays.led_to_win, true as is_entry_known, following.owner_id, following.amount_native,
        following.currency, stays.removal,
        true as is_skipped
    from stays
    inner join visits as following
        on stays.opportunity_key = following.opportunity_key
        and stays.position + 1 = following.position
    inner join stages
        on stays.path = stages.path
        and stays.stage_order < stages.stage_order
        and stays.next_stage_order > stages.stage_order
    where stays.stages_skipped > 0
),

on_local_clocks as (
    select
        *,
        {{ local_time('entered_at') }} as entered_local,
        {{ local_time('exited_at') }} as exited_local
    from with_skipped
),

dated as (
    select
        *,
        cast(entered_local as date) as entered_on,
        cast(exited_local as date) as exited_on,
        {{ days_between('entered_at', 'exited_at', 'entered_local', 'exited_local') }} as days
    from on_local_clocks
),

final as (
    select
        md5(dated.opportunity_key || '|' || dated.position || '|' || dated.stage) as stage_visit_key,
        dated.opportunity_key,
        dated.opportunity_id,
        dated.source_instance,
        dated.pipeline,
        dated.stage,
        dated.stage_order,
        dated.status,
        dated.position,
        dated.visit_number,
        dated.is_skipped,
        dated.entered_at,
        dated.entered_on,
        dated.is_entry_known,
        dated.exited_at,
        dated.exited_on,
        dated.days,
        case when dated.is_removed then dated.removal else dated.ended_as end as ended_as,
        dated.next_stage,
        cast(dated.stages_skipped as bigint) as stages_skipped,
        dated.led_higher,
        dated.led_to_win,
        dated.owner_id as rep_id,
        reps.team,
        cast(dated.amount_native as {{ numeric_type() }}) as amount_native,
        dated.currency,
        {{ reporting_amount('dated.amount_native', fx_rate('dated.currency', 'rates')) }} as amount,
        dated.removal
    from dated
    left join reps on dated.owner_id = reps.rep_id
    left join rates
        on dated.currency = rates.currency
        and dated.entered_on = rates.date_day
)

select * from final
