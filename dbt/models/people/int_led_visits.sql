-- One row per visit to an open stage that ended in a decision, with who led it: the deal's
-- owner at its end. Who had the deal before has no part in it. Skipped stages were not
-- visited, and what another pipeline or a removal ended was not decided.
with
    visits as (
        select *
        from {{ ref("fct_stage_visits") }}
        where
            status = 'open'
            and not is_skipped
            and stage is not null
            and removal is null
            and exited_at <= {{ as_of() }}
            and ended_as in ('advanced', 'skipped', 'won', 'lost', 'no_decision', 'regressed')
    ),

    states as (select * from {{ ref("int_opportunity_states") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    -- The state that ended with the visit; a stage that was entered and left in one instant as
    -- the deal began has none.
    led as (
        select
            visits.*,
            case
                when states.opportunity_key is null then visits.rep_id else states.owner_id
            end as led_by
        from visits
        left join
            states
            on visits.opportunity_key = states.opportunity_key
            and visits.exited_at = states.valid_to
    ),

    final as (
        select
            led.stage_visit_key,
            led.opportunity_key,
            led.opportunity_id,
            led.source_instance,
            {{ or_none("led.pipeline") }} as pipeline,
            led.stage,
            led.stage_order,
            led.led_by as rep_id,
            coalesce(reps.role, 'rep') = 'rep' as is_peer,
            case
                when reps.hired_on is null
                then 'unknown'
                {%- for months in [3, 6, 12] %}
                    when led.exited_on < {{ dbt.dateadd("month", months, "reps.hired_on") }}
                    then 'under {{ months }} months'
                {%- endfor %}
                else '12 months and more'
            end as tenure,
            led.entered_at,
            led.is_entry_known,
            led.exited_at,
            led.exited_on,
            cast({{ dbt.date_trunc("quarter", "led.exited_on") }} as date) as quarter_start,
            case
                when led.ended_as in ('advanced', 'skipped', 'won') then 1 else 0
            end as is_advanced,
            case when led.led_to_win then 1 else 0 end as is_won,
            coalesce(led.led_by = led.rep_id, false) as is_led_throughout,
            case when led.is_entry_known and led.led_by = led.rep_id then led.days end as own_days,
            led.days,
            led.amount
        from led
        left join reps on led.led_by = reps.rep_id
        where led.led_by is not null
    )

select *
from final
