{{ increment("clocked", of=["int_stage_visits"]) }}
-- One row per stage that a deal jumped over: entered and left in the instant of the move, in the
-- state that the deal moved on with. Where the moves among open stages are not told, what looks
-- like a jump may be none.
with
    jumps as (select * from {{ ref("int_stage_visits") }} where stages_skipped > 0),

    arrivals as (
        select opportunity_key, position, owner_id, amount_native, currency
        from {{ ref("int_stage_visits") }}
    ),

    histories as (select * from {{ ref("int_field_histories") }} where field = 'stage'),

    stages as (
        select *, source_instance || '|' || coalesce(pipeline, '') as path
        from {{ ref("int_pipeline_stages__unioned") }}
        where status = 'open' and not is_deleted
    ),

    labels as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, stage_label
        from {{ ref("int_stages__resolved") }}
    ),

    final as (
        select
            jumps.opportunity_key,
            jumps.source_instance,
            jumps.pipeline,
            jumps.position,
            stages.stage,
            labels.stage_label,
            stages.stage_order,
            stages.status,
            jumps.exited_at as skipped_at,
            jumps.exited_local as skipped_local,
            jumps.next_stage,
            jumps.led_to_win,
            coalesce(jumps.exited_at >= histories.known_from, false) as is_entry_known,
            arrivals.owner_id,
            arrivals.amount_native,
            arrivals.currency
        from jumps
        inner join
            arrivals
            on jumps.opportunity_key = arrivals.opportunity_key
            and jumps.position + 1 = arrivals.position
        inner join
            stages
            on jumps.path = stages.path
            and jumps.stage_order < stages.stage_order
            and jumps.next_stage_order > stages.stage_order
        left join
            labels
            on jumps.source_instance = labels.source_instance
            and coalesce(jumps.pipeline, '') = labels.pipeline
            and stages.stage = labels.stage
        left join histories on jumps.source_instance = histories.source_instance
    )

select *
from final
