{{ increment("clocked", of=["int_opportunity_states", "int_opportunity_stage_moves"]) }}
-- One row per stay of a deal in a stage, in order, up to the run's moment; closed stages, too.
--
-- Stays are read off the deal's states. A stage that was entered and left in one instant leaves no
-- state: it is a stay of no length. Where nobody knows the stage, there is a stay in stage NULL.
with
    states as (select * from {{ ref("int_opportunity_states") }}),

    passed_through as (
        select opportunity_key, pipeline, stage, status, entered_at, position
        from {{ ref("int_opportunity_stage_moves") }}
        where is_passed_through and stage is not null and entered_at <= {{ as_of() }}
    ),

    stages as (select * from {{ ref("int_stages__placed") }}),

    histories as (select * from {{ ref("int_field_histories") }} where field = 'stage'),

    steps as (
        select
            opportunity_key,
            source_instance,
            pipeline,
            stage,
            status,
            valid_from as entered_at,
            owner_id,
            amount_native,
            currency,
            1 as step,
            0 as position
        from states

        union all

        select
            states.opportunity_key,
            states.source_instance,
            passed_through.pipeline,
            passed_through.stage,
            passed_through.status,
            states.valid_from as entered_at,
            states.owner_id,
            states.amount_native,
            states.currency,
            0 as step,
            passed_through.position
        from passed_through
        inner join
            states
            on passed_through.opportunity_key = states.opportunity_key
            and passed_through.entered_at = states.valid_from
    ),

    compared as (
        select
            *,
            row_number() over in_order as nth,
            lag(pipeline) over in_order as previous_pipeline,
            lag(stage) over in_order as previous_stage
        from steps
        window
            in_order as (
                partition by opportunity_key
                order by {{ unknown_as_first("entered_at") }}, step, position
            )
    ),

    entries as (
        select
            compared.opportunity_key,
            compared.source_instance,
            compared.pipeline,
            compared.stage,
            stages.stage_label,
            compared.entered_at,
            {{ local_time("compared.entered_at") }} as entered_local,
            compared.owner_id,
            compared.amount_native,
            compared.currency,
            compared.nth,
            stages.stage_order,
            compared.status,
            stages.path,
            stages.open_before,
            stages.open_up_to,
            stages.open_steps
        from compared
        left join
            stages
            on compared.source_instance = stages.source_instance
            and coalesce(compared.pipeline, '') = coalesce(stages.pipeline, '')
            and compared.stage = stages.stage
        where
            compared.nth = 1
            or compared.stage is distinct from compared.previous_stage
            or compared.pipeline is distinct from compared.previous_pipeline
    ),

    sequenced as (
        select
            *,
            row_number() over in_order as position,
            lead(entered_at) over in_order as exited_at,
            lead(entered_local) over in_order as exited_local,
            lead(stage) over in_order as next_stage,
            lead(stage_order) over in_order as next_stage_order,
            lead(status) over in_order as next_status,
            lead(path) over in_order as next_path,
            lead(open_before) over in_order as next_open_before,
            -- Orders of different pipelines do not compare.
            max(case when status in ('open', 'won') then stage_order end) over (
                partition by opportunity_key, path
                order by nth
                rows between 1 following and unbounded following
            ) as highest_later,
            max(case when status = 'won' then 1 else 0 end) over (
                partition by opportunity_key
                order by nth
                rows between 1 following and unbounded following
            ) as won_later
        from entries
        window in_order as (partition by opportunity_key order by nth)
    ),

    moved as (
        select
            *,
            case
                when status = 'open' and next_status in ('open', 'won') and next_path = path
                then greatest(next_open_before - open_up_to, 0)
                else 0
            end as stages_skipped,
            case
                when next_status is null
                then case when status = 'open' then 'open' end
                when next_status <> 'open'
                then next_status
                when status <> 'open'
                then 'reopened'
                when next_stage_order < stage_order and next_path = path
                then 'regressed'
                when next_stage_order > stage_order and next_path = path
                then case when next_open_before > open_up_to then 'skipped' else 'advanced' end
                else 'moved'
            end as ended_as
        from sequenced
    ),

    -- Only a deal that went back or sideways, or left a closed stage, can have come to a stage
    -- twice.
    repeated as (
        select
            opportunity_key,
            position,
            row_number() over (
                partition by opportunity_key, pipeline, stage order by position
            ) as visit_number
        from moved
        where
            opportunity_key in (
                select opportunity_key
                from moved
                where
                    ended_as in ('regressed', 'moved')
                    or (status <> 'open' and next_status is not null)
            )
    ),

    final as (
        select
            moved.opportunity_key,
            moved.source_instance,
            moved.pipeline,
            moved.path,
            moved.position,
            moved.stage,
            moved.stage_label,
            moved.stage_order,
            moved.status,
            moved.open_up_to > moved.open_before as is_step,
            moved.open_steps,
            coalesce(repeated.visit_number, 1) as visit_number,
            moved.entered_at,
            moved.entered_local,
            moved.exited_at,
            moved.exited_local,
            moved.next_stage,
            moved.next_stage_order,
            moved.stages_skipped,
            moved.ended_as,
            coalesce(moved.highest_later > moved.stage_order, false)
            or coalesce(moved.won_later, 0) = 1 as led_higher,
            coalesce(moved.won_later, 0) = 1 as led_to_win,
            -- What was before the first row of a told history may have been only its last part,
            -- unless the deal was in the stage in which deals begin.
            moved.stage is not null
            and (
                moved.position > 1
                or coalesce(
                    {{ unknown_as_first("moved.entered_at") }} >= case
                        when moved.open_before = 0
                        then histories.known_from
                        else histories.told_from
                    end,
                    false
                )
            ) as is_entry_known,
            moved.owner_id,
            moved.amount_native,
            moved.currency
        from moved
        left join histories on moved.source_instance = histories.source_instance
        left join
            repeated
            on moved.opportunity_key = repeated.opportunity_key
            and moved.position = repeated.position
    )

select *
from final
