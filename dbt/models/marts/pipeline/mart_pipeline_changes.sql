{%- set fields = ["stage", "amount", "currency", "close_date", "owner_id", "forecast_category"] -%}
-- What has changed since yesterday, last week and the beginning of month and quarter, deal by deal:
-- the state of then beside that of now, with who changed it last, ranked by the money concerned.
-- What was changed and changed back is no change. Both states are valued at today's rates, so that
-- the effects add up to what deals did to the pipeline, not what exchange rates did; what has no
-- rate today is NULL.
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

    windows as (
        {%- for since, day in [
            ("yesterday", dbt.dateadd("day", -1, as_of_day())),
            ("last_week", dbt.dateadd("day", -7, as_of_day())),
            ("month_start", current_month()),
            ("quarter_start", fiscal_period_start(current_month(), "quarter")),
        ] %}
            select
                '{{ since }}' as since,
                {{ day_start(day) }} as since_at
                {{ 'union all' if not loop.last }}
        {%- endfor %}
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

    valued as (
        select
            compared.*,
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
    ),

    differences as (
        select
            since,
            since_at,
            opportunity_key,
            valid_from,
            'created_at' as field,
            cast(null as {{ dbt.type_string() }}) as old_value,
            cast(null as {{ dbt.type_string() }}) as new_value,
            'created' as movement,
            value as pipeline_effect,
            value as money_at_stake
        from valued
        where not existed and removal is null

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
            case
                when is_open then value when was_open then - value_before else 0
            end as pipeline_effect,
            case when removal is null then value else value_before end as money_at_stake
        from valued
        where existed and was_kept <> (removal is null)

        {%- for field in fields %}

            union all

            select
                since,
                since_at,
                opportunity_key,
                valid_from,
                '{{ field }}' as field,
                {% if field == "amount" -%}
                    rtrim(
                        rtrim(cast(amount_before as {{ dbt.type_string() }}), '0'), '.'
                    ) as old_value,
                    rtrim(rtrim(cast(amount as {{ dbt.type_string() }}), '0'), '.') as new_value,
                    case
                        when coalesce(amount, 0) >= coalesce(amount_before, 0)
                        then 'increased'
                        else 'decreased'
                    end as movement,
                    case when was_open then value - value_before else 0 end as pipeline_effect,
                    abs(value - value_before) as money_at_stake
                {%- elif field == "currency" -%}
                    currency_before as old_value,
                    currency as new_value,
                    'redenominated' as movement,
                    case
                        when was_open and amount is not distinct from amount_before
                        then value - value_before
                        else 0
                    end as pipeline_effect,
                    abs(value - value_before) as money_at_stake
                {%- elif field == "stage" -%}
                    stage_before as old_value,
                    stage as new_value,
                    case
                        when status <> 'open' and status is distinct from status_before
                        then status
                        when status_before <> 'open' and status = 'open'
                        then 'reopened'
                        when stage_order > stage_order_before
                        then 'advanced'
                        when stage_order < stage_order_before
                        then 'regressed'
                        else 'moved'
                    end as movement,
                    case
                        when is_open and not was_open
                        then value
                        when not is_open and (was_open or not existed)
                        then - value
                        else 0
                    end as pipeline_effect,
                    value as money_at_stake
                {%- else -%}
                    cast({{ field }}_before as {{ dbt.type_string() }}) as old_value,
                    cast({{ field }} as {{ dbt.type_string() }}) as new_value,
                    {% if field == "close_date" -%}
                        case
                            when close_date > close_date_before
                            then 'pushed_out'
                            when close_date < close_date_before
                            then 'pulled_in'
                            when close_date_before is null
                            then 'scheduled'
                            else 'unscheduled'
                        end as movement,
                    {%- else -%}
                        '{{ "reassigned" if field == "owner_id" else "recategorised" }}'
                        as movement,
                    {%- endif %}
                    0 as pipeline_effect,
                    value as money_at_stake
                {%- endif %}
            from valued
            where
                removal is null
                {%- if field == "stage" %}
                    and case
                        when existed
                        then
                            was_kept
                            and (stage is distinct from stage_before or status <> status_before)
                        else status <> 'open'
                    end
                {%- else %}
                    and existed
                    and was_kept
                    and {{ field }} is distinct from {{ field }}_before
                    and (was_open or is_open)
                {%- endif %}
        {%- endfor %}
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
            ) as recency
        from changes
        inner join windows on changes.changed_at >= windows.since_at
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
                    differences.field
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
            differences.old_value,
            differences.new_value,
            case
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
            told
            on differences.since = told.since
            and differences.opportunity_key = told.opportunity_key
            and differences.field = told.field
            and told.recency = 1
        left join reps on told.changed_by = reps.rep_id
        left join stays on differences.opportunity_key = stays.opportunity_key
        -- A category that only follows from the stage has not been changed by anybody.
        where differences.field <> 'forecast_category' or told.field is not null
    )

select *
from final
