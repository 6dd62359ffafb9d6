{{
    increment(
        "clocked",
        of=[
            "int_opportunities__unioned",
            "int_opportunity_removals",
            "int_opportunity_stage_moves",
            "int_opportunity_value_changes",
        ],
    )
}}
{#- The fields that, beside the stage, make a deal's place and weight in the pipeline. -#}
{%- set fields = ["amount", "currency", "close_date", "owner_id"] -%}
{%- set texts = ["currency", "close_date", "owner_id"] -%}
-- What happened to the open pipeline: one row per deal and instant in which it came in, changed or
-- went out, with its state before and after.
--
-- Replayed from the moves and field changes by itself: int_opportunity_states is not read, so that
-- what the states say of two moments and what happened between them can be held against each other.
-- The rules are the same: before its first change a field has that change's old value, after its
-- last one the record's own. A deal of which nobody knows since when it is open comes in now.
-- What a deal was found to be worth after it closed is what left the pipeline, as it is what was
-- won.
with
    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    moves as (select * from {{ ref("int_opportunity_stage_moves") }}),

    last_open as (
        select opportunity_key, max(position) as position
        from moves
        where status = 'open' and coalesce(entered_at <= {{ as_of() }}, true)
        group by opportunity_key
    ),

    closed as (
        select moves.opportunity_key, min(moves.entered_at) as closed_at
        from moves
        inner join last_open on moves.opportunity_key = last_open.opportunity_key
        where moves.position > last_open.position and moves.entered_at <= {{ as_of() }}
        group by moves.opportunity_key
    ),

    changes as (
        select
            changes.opportunity_key,
            changes.field,
            changes.position,
            changes.old_value,
            changes.new_value,
            changes.is_last,
            case
                when closed.opportunity_key is not null
                then closed.closed_at
                else changes.holds_from
            end as holds_from,
            case
                when closed.opportunity_key is not null
                then coalesce(changes.next_holds_from > {{ as_of() }}, true)
                else changes.is_last_in_instant
            end as is_last_in_instant
        from {{ ref("int_opportunity_value_changes") }} as changes
        left join
            closed
            on case
                when changes.field in ('amount', 'currency') and changes.holds_from <= {{ as_of() }}
                then changes.opportunity_key
            end
            = closed.opportunity_key
            and changes.holds_from >= closed.closed_at
        where changes.field in ('{{ fields | join("', '") }}')
    ),

    removals as (select * from {{ ref("int_opportunity_removals") }}),

    told as (
        select
            opportunity_key,
            {%- for field in fields %}
                max(
                    case
                        when field = '{{ field }}'
                        then coalesce(old_value, {{ "new_value" if field == "currency" else "''" }})
                    end
                ) as first_{{ field }}{{ ',' if not loop.last }}
            {%- endfor %}
        from changes
        where position = 1
        group by opportunity_key
    ),

    deals as (
        select
            opportunities.opportunity_key,
            opportunities.source_instance,
            coalesce(beginnings.pipeline, '') as first_pipeline,
            opportunities.amount,
            coalesce(opportunities.currency, '') as currency,
            coalesce(cast(opportunities.close_date as {{ dbt.type_string() }}), '') as close_date,
            coalesce(opportunities.owner_id, '') as owner_id,
            coalesce(beginnings.entered_at, closings.entered_at, {{ as_of() }}) as begins_at,
            beginnings.stage as first_stage,
            beginnings.status as first_status,
            {%- for field in fields %}
                told.first_{{ field }}{{ ',' if not loop.last }}
            {%- endfor %}
        from opportunities
        inner join
            moves as beginnings
            on opportunities.opportunity_key = beginnings.opportunity_key
            and beginnings.position = 1
        left join
            moves as closings
            on opportunities.opportunity_key = closings.opportunity_key
            and closings.position = 2
        left join told on opportunities.opportunity_key = told.opportunity_key
    ),

    -- What became of which field, and when; NULL where nothing did, '' where it lost its value.
    turns as (
        select
            opportunity_key,
            source_instance,
            begins_at as happened_at,
            0 as step,
            first_pipeline as pipeline,
            coalesce(first_stage, '') as stage,
            first_status as status,
            case
                when first_amount is null
                then amount
                else {{ money_from_text("nullif(first_amount, '')") }}
            end as amount,
            case
                when first_amount is null then amount is not null else first_amount <> ''
            end as has_amount,
            {%- for field in texts %}
                coalesce(first_{{ field }}, {{ field }}) as {{ field }},
            {%- endfor %}
            '' as removal
        from deals

        union all

        select
            changes.opportunity_key,
            deals.source_instance,
            changes.holds_from as happened_at,
            1 as step,
            null as pipeline,
            null as stage,
            null as status,
            case
                when changes.field <> 'amount'
                then null
                when changes.is_last
                then deals.amount
                else {{ money_from_text("changes.new_value") }}
            end as amount,
            case
                when changes.field <> 'amount'
                then null
                when changes.is_last
                then deals.amount is not null
                else changes.new_value is not null
            end as has_amount,
            {%- for field in texts %}
                case
                    when changes.field <> '{{ field }}'
                    then null
                    when changes.is_last
                    then deals.{{ field }}
                    else coalesce(changes.new_value, '')
                end as {{ field }},
            {%- endfor %}
            null as removal
        from changes
        inner join deals on changes.opportunity_key = deals.opportunity_key
        where changes.is_last_in_instant

        union all

        select
            moves.opportunity_key,
            deals.source_instance,
            moves.entered_at as happened_at,
            2 as step,
            coalesce(moves.pipeline, '') as pipeline,
            moves.stage,
            moves.status,
            null as amount,
            null as has_amount,
            {%- for field in texts %} null as {{ field }}, {%- endfor %}
            null as removal
        from moves
        inner join deals on moves.opportunity_key = deals.opportunity_key
        where moves.position > 1 and moves.is_last_in_instant

        {%- for moment, removal in [
                ("restored_at", "''"),
                ("removed_at", "removals.removal"),
            ] %}

            union all

            select
                deals.opportunity_key,
                deals.source_instance,
                greatest(removals.{{ moment }}, deals.begins_at) as happened_at,
                {{ 2 + loop.index }} as step,
                null as pipeline,
                null as stage,
                null as status,
                null as amount,
                null as has_amount,
                {%- for field in texts %} null as {{ field }}, {%- endfor %}
                {{ removal }} as removal
            from removals
            inner join deals on removals.opportunity_key = deals.opportunity_key
            where
                removals.{{ moment }} is not null
                and (removals.restored_at is null or removals.restored_at > deals.begins_at)
        {%- endfor %}
    ),

    filled as (
        select
            opportunity_key,
            source_instance,
            happened_at,
            lead(happened_at) over (
                partition by opportunity_key order by happened_at, step
            ) as next_happened_at,
            {%- for field in ["pipeline", "stage", "status"] + fields + ["has_amount", "removal"] %}
                {{ last_known(field, "opportunity_key", "happened_at, step") }}
                as {{ field }}{{ ',' if not loop.last }}
            {%- endfor %}
        from turns
        where happened_at <= {{ as_of() }}
    ),

    states as (
        select
            opportunity_key,
            source_instance,
            happened_at,
            {{ local_day("happened_at") }} as happened_on,
            nullif(pipeline, '') as pipeline,
            nullif(stage, '') as stage,
            case when has_amount then cast(amount as {{ numeric_type() }}) end as amount,
            coalesce(nullif(currency, ''), '{{ var("currency") }}') as currency,
            {{ date_from_text("close_date") }} as close_date,
            {{ or_none("owner_id") }} as rep,
            status,
            removal,
            status = 'open' and removal = '' as is_open
        from filled
        where next_happened_at is null or next_happened_at > happened_at
    ),

    sequenced as (
        select
            *,
            lag(is_open) over in_order as was_open,
            {%- for field in ["pipeline", "stage", "amount", "currency", "close_date", "rep"] %}
                lag({{ field }}) over in_order as {{ field }}_before,
            {%- endfor %}
            lead(happened_on) over in_order as next_happened_on
        from states
        window in_order as (partition by opportunity_key order by happened_at)
    ),

    final as (
        select
            opportunity_key,
            source_instance,
            happened_at,
            happened_on,
            case when is_open then coalesce(next_happened_on, {{ as_of_day() }}) end as until,
            coalesce(was_open, false) as was_open,
            is_open,
            case
                when was_open then null when was_open is null then 'created' else 'reopened'
            end as came_by,
            case when is_open then null when removal <> '' then removal else status end as left_by,
            {%- for field in ["pipeline", "stage", "amount", "currency", "close_date", "rep"] %}
                {{ field }}_before, {{ field }},
            {%- endfor %}
            amount_before is distinct from amount
            or currency_before <> currency
            or close_date_before is distinct from close_date
            or rep_before <> rep
            or was_open is distinct from is_open as is_movement
        from sequenced
        where was_open or is_open
    )

select *
from final
