{%- set fields = ["stage", "amount", "currency", "close_date", "owner_id", "forecast_category"] -%}
-- What has changed since yesterday (the last working day), last week and the beginning of month and
-- quarter, deal by deal: the state of then beside that of now, with who changed it last, ranked
-- by the money concerned.
-- What was changed and changed back is no change, but whatever came into the pipeline or left it is
-- there, as in the bridge: created and deleted since, won and re-opened. All is valued at today's
-- rates, so that the effects add up to what deals did to the pipeline, not what exchange rates did;
-- what has no rate today is NULL.
with
    states as (select * from {{ ref("int_opportunity_states") }}),

    removals as (select * from {{ ref("int_opportunity_removals") }}),

    changes as (
        select * from {{ ref("int_opportunity_changes") }} where changed_at <= {{ as_of() }}
    ),

    deals as (select * from {{ ref("fct_opportunities") }}),

    reps as (select rep_id, rep_name from {{ ref("dim_rep") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }} where date_day = {{ as_of_day() }}),

    -- Since when each deal is in its stage.
    stays as (
        select opportunity_key, max(entered_at) as entered_at
        from {{ ref("int_opportunity_stage_moves") }}
        where entered_at <= {{ as_of() }}
        group by opportunity_key
    ),

    windows as ({{ windows_until_now() }}),

    -- What nobody knows since when it is open came into the pipeline at no time.
    undated as (select distinct opportunity_key from states where valid_from is null),

    crossings as (
        select
            steps.opportunity_key,
            steps.happened_at,
            case when steps.is_open then 1 else -1 end as direction,
            case
                when not steps.is_open
                then steps.left_by
                when
                    lag(steps.left_by) over (
                        partition by steps.opportunity_key order by steps.happened_at
                    )
                    in ('deleted', 'merged')
                then 'restored'
                else steps.came_by
            end as movement,
            steps.stage_before,
            steps.stage
        from {{ ref("int_pipeline_steps") }} as steps
        left join undated on steps.opportunity_key = undated.opportunity_key
        where steps.was_open <> steps.is_open and undated.opportunity_key is null
    ),

    crossed as (
        select
            windows.since,
            crossings.opportunity_key,
            crossings.movement,
            sum(crossings.direction) as direction,
            max(crossings.happened_at) as crossed_at
        from crossings
        inner join windows on crossings.happened_at >= windows.since_at
        group by windows.since, crossings.opportunity_key, crossings.movement
    ),

    touched as (
        select windows.since, windows.since_at, states.opportunity_key
        from states
        inner join windows on states.valid_from >= windows.since_at

        union

        select windows.since, windows.since_at, removals.opportunity_key
        from removals
        inner join
            windows
            on removals.removed_at >= windows.since_at
            or removals.restored_at >= windows.since_at
    ),

    compared as (
        select
            touched.since,
            touched.since_at,
            touched.opportunity_key,
            before.opportunity_key is not null as existed,
            removed_before.opportunity_key is null as was_kept,
            removed.removal,
            {%- for field in fields %}
                before.{{ "amount_native" if field == "amount" else field }} as {{ field }}_before,
                now_in.{{ "amount_native" if field == "amount" else field }} as {{ field }},
            {%- endfor %}
            before.pipeline is distinct from now_in.pipeline as is_in_other_pipeline,
            before.stage_label as stage_label_before,
            now_in.stage_label,
            before.status as status_before,
            now_in.status,
            before.stage_order as stage_order_before,
            now_in.stage_order,
            now_in.valid_from
        from touched
        inner join
            states as now_in
            on touched.opportunity_key = now_in.opportunity_key
            and now_in.valid_to is null
        left join
            states as before
            on touched.opportunity_key = before.opportunity_key
            and {{ unknown_as_first("before.valid_from") }} < touched.since_at
            and coalesce(before.valid_to, cast('9999-12-31' as timestamp)) >= touched.since_at
        left join
            removals as removed_before
            on touched.opportunity_key = removed_before.opportunity_key
            and removed_before.removed_at < touched.since_at
            and coalesce(removed_before.restored_at, cast('9999-12-31' as timestamp))
            >= touched.since_at
        left join
            removals as removed
            on touched.opportunity_key = removed.opportunity_key
            and removed.restored_at is null
    ),

    priced as (
        select
            compared.*,
            undated.opportunity_key is not null as is_undated,
            existed and was_kept and status_before = 'open' as was_open,
            removal is null and status = 'open' as is_open,
            {{
                held_amount(
                    "compared.amount_before", fx_rate("compared.currency_before", "rates_before")
                )
            }} as value_before,
            {{ held_amount("compared.amount", fx_rate("compared.currency", "rates")) }} as value
        from compared
        left join rates as rates_before on compared.currency_before = rates_before.currency
        left join rates on compared.currency = rates.currency
        left join undated on compared.opportunity_key = undated.opportunity_key
    ),

    -- What a deal that comes in or leaves is worth, beside what its other changes are worth.
    held as (
        select
            *,
            case
                when existed and was_kept and removal is not null then value_before else value
            end as held
        from priced
    ),

    valued as (
        select
            *,
            case
                when not is_undated or is_open = was_open then 0 when is_open then held else - held
            end as undated_effect
        from held
    ),

    changed as (
        select
            since,
            since_at,
            opportunity_key,
            valid_from,
            'created_at' as field,
            cast(null as {{ dbt.type_string() }}) as old_value,
            cast(null as {{ dbt.type_string() }}) as new_value,
            'created' as movement,
            undated_effect as pipeline_effect,
            held as money_at_stake
        from valued
        where not existed and (was_kept or removal is null)

        union all

        select
            since,
            since_at,
            opportunity_key,
            valid_from,
            case
                when coalesce(removal, 'deleted') = 'deleted'
                then 'is_deleted'
                else 'merged_into_id'
            end as field,
            null as old_value,
            null as new_value,
            coalesce(removal, 'restored') as movement,
            undated_effect as pipeline_effect,
            held as money_at_stake
        from valued
        where (existed or was_kept) and was_kept <> (removal is null)

        {%- for field in fields %}

            union all

            {{ field_change(field) }}
        {%- endfor %}
    ),

    differences as (
        select
            valued.since,
            valued.since_at,
            valued.opportunity_key,
            valued.valid_from,
            coalesce(
                changed.field,
                case
                    crossed.movement
                    when 'created'
                    then 'created_at'
                    when 'deleted'
                    then 'is_deleted'
                    when 'restored'
                    then 'is_deleted'
                    when 'merged'
                    then 'merged_into_id'
                    else 'stage'
                end
            ) as field,
            changed.old_value,
            changed.new_value,
            coalesce(changed.movement, crossed.movement) as movement,
            case
                when changed.movement is null then valued.held else changed.money_at_stake
            end as money_at_stake,
            case when changed.movement is null then 0 else changed.pipeline_effect end + case
                when crossed.movement is null then 0 else crossed.direction * valued.held
            end as pipeline_effect,
            case when changed.movement is null then crossed.crossed_at end as crossed_at
        from changed
        full join
            crossed
            on changed.since = crossed.since
            and changed.opportunity_key = crossed.opportunity_key
            and changed.movement = crossed.movement
        inner join
            valued
            on coalesce(changed.since, crossed.since) = valued.since
            and coalesce(changed.opportunity_key, crossed.opportunity_key) = valued.opportunity_key
    ),

    told as (
        select
            windows.since,
            changes.opportunity_key,
            changes.field,
            changes.changed_at,
            changes.changed_by,
            count(*) over (
                partition by windows.since, changes.opportunity_key, changes.field
            ) as times,
            row_number() over (
                partition by windows.since, changes.opportunity_key, changes.field
                order by changes.position desc
            ) as recency,
            row_number() over (
                partition by
                    windows.since, changes.opportunity_key, changes.field, changes.changed_at
                order by changes.position desc
            ) as recency_then
        from changes
        inner join windows on changes.changed_at >= windows.since_at
    ),

    -- Of the last change since then, and, where a deal crossed the pipeline's edge, of that moment.
    who_told as (
        select *, cast(null as timestamp) as crossed_at
        from told
        where recency = 1

        union all

        select *, changed_at as crossed_at
        from told
        where recency_then = 1
    ),

    final as (
        select
            differences.since,
            differences.since_at,
            row_number() over (
                partition by differences.since
                order by
                    differences.money_at_stake desc nulls last,
                    deals.opportunity_id,
                    differences.field,
                    differences.movement
            ) as money_rank,
            differences.opportunity_key,
            deals.opportunity_id,
            deals.opportunity_name,
            deals.pipeline,
            deals.rep_id,
            deals.rep_name,
            deals.team,
            differences.movement,
            differences.field,
            case
                when differences.crossed_at is null
                then differences.old_value
                when differences.field = 'stage'
                then crossings.stage_before
            end as old_value,
            case
                when differences.crossed_at is null
                then differences.new_value
                when differences.field = 'stage'
                then crossings.stage
            end as new_value,
            case
                when differences.crossed_at is not null
                then differences.crossed_at
                when differences.movement in ('won', 'lost', 'no_decision')
                then coalesce(deals.closed_at, differences.valid_from)
                when told.changed_at is not null
                then told.changed_at
                when differences.movement = 'created'
                then deals.created_at
                when differences.movement in ('deleted', 'merged')
                then deals.removed_at
                when differences.field = 'stage'
                then stays.entered_at
                else differences.valid_from
            end as changed_at,
            told.changed_by,
            reps.rep_name as changed_by_name,
            coalesce(told.times, 1) as times_changed,
            cast(differences.money_at_stake as {{ numeric_type() }}) as money_at_stake,
            cast(differences.pipeline_effect as {{ numeric_type() }}) as pipeline_effect
        from differences
        inner join deals on differences.opportunity_key = deals.opportunity_key
        left join
            who_told as told
            on differences.since = told.since
            and differences.opportunity_key = told.opportunity_key
            and differences.field = told.field
            and differences.crossed_at is not distinct from told.crossed_at
        left join
            crossings
            on differences.opportunity_key = crossings.opportunity_key
            and differences.crossed_at = crossings.happened_at
        left join reps on told.changed_by = reps.rep_id
        left join stays on differences.opportunity_key = stays.opportunity_key
        -- A category that only follows from the stage has not been changed by anybody.
        where differences.field <> 'forecast_category' or told.field is not null
    )

select *
from final
