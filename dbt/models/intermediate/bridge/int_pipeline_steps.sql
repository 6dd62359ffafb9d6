{#- The fields that make a deal's place and weight in the pipeline. -#}
{%- set fields = ["stage", "amount", "currency", "close_date", "owner_id"] -%}
{%- set texts = ["currency", "close_date", "owner_id"] -%}
-- What happened to the open pipeline: one row per deal and instant in which it came in, changed or
-- went out, with its state before and after.
--
-- Replayed from the field changes by itself: int_opportunity_states is not read, so that what the
-- states say of two moments and what happened between them can be held against each other. The
-- rules are the same: before its first change a field has that change's old value, after its last
-- one the record's own. A deal of which nobody knows since when it is open comes in now.
with
    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    changes as (
        select *
        from {{ ref("int_opportunity_changes") }}
        where field in ('{{ fields | join("', '") }}', 'forecast_category')
    ),

    removals as (select * from {{ ref("int_opportunity_removals") }}),

    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, status
        from {{ ref("int_stages__resolved") }}
    ),

    told as (
        select
            opportunity_key,
            min(changed_at) as first_changed_at,
            {%- for field in fields %}
                max(
                    case
                        when field = '{{ field }}' and position = 1
                        then
                            coalesce(
                                old_value,
                                {{ "new_value" if field in ["stage", "currency"] else "''" }}
                            )
                    end
                ) as first_{{ field }},
            {%- endfor %}
            max(case when field = 'stage' and is_last then new_value end) as last_stage
        from changes
        where position = 1 or is_last
        group by opportunity_key
    ),

    deals as (
        select
            opportunities.opportunity_key,
            opportunities.source_instance,
            coalesce(opportunities.pipeline, '') as pipeline,
            opportunities.stage,
            opportunities.amount,
            coalesce(opportunities.currency, '') as currency,
            coalesce(cast(opportunities.close_date as {{ dbt.type_string() }}), '') as close_date,
            coalesce(opportunities.owner_id, '') as owner_id,
            coalesce(
                least(opportunities.created_at, told.first_changed_at), {{ as_of() }}
            ) as begins_at,
            {%- for field in fields %} told.first_{{ field }}, {%- endfor %}
            -- The moment of a closing that no change tells of.
            case
                when
                    stages.status <> 'open'
                    and (told.last_stage is null or told.last_stage <> opportunities.stage)
                then coalesce(opportunities.closed_at, {{ day_start("opportunities.close_date") }})
            end as untold_closing_at
        from opportunities
        left join told on opportunities.opportunity_key = told.opportunity_key
        left join
            stages
            on opportunities.source_instance = stages.source_instance
            and coalesce(opportunities.pipeline, '') = stages.pipeline
            and opportunities.stage = stages.stage
    ),

    -- What became of which field, and when; NULL where nothing did, '' where it lost its value.
    turns as (
        select
            opportunity_key,
            source_instance,
            pipeline,
            begins_at as happened_at,
            0 as step,
            case
                when first_stage is not null
                then first_stage
                when untold_closing_at is null or untold_closing_at <= begins_at
                then stage
                else ''
            end as stage,
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
            deals.pipeline,
            changes.changed_at as happened_at,
            1 as step,
            case
                when changes.field <> 'stage'
                then null
                when changes.is_last and deals.untold_closing_at is null
                then deals.stage
                else changes.new_value
            end as stage,
            case
                when changes.field <> 'amount'
                then null
                when changes.is_last
                then deals.amount
                else {{ money_from_text("changes.new_value") }}
            end as amount,
            case
                when changes.field = 'amount' then not changes.is_last or deals.amount is not null
            end as has_amount,
            {%- for field in texts %}
                case
                    when changes.field <> '{{ field }}'
                    then null
                    when changes.is_last
                    then deals.{{ field }}
                    else changes.new_value
                end as {{ field }},
            {%- endfor %}
            null as removal
        from changes
        inner join deals on changes.opportunity_key = deals.opportunity_key
        where changes.is_last_in_instant and changes.field <> 'forecast_category'

        union all

        select
            opportunity_key,
            source_instance,
            pipeline,
            untold_closing_at as happened_at,
            2 as step,
            stage,
            null as amount,
            null as has_amount,
            {%- for field in texts %} null as {{ field }}, {%- endfor %}
            null as removal
        from deals
        where untold_closing_at > begins_at

        {%- for moment, removal in [
                ("restored_at", "''"),
                ("removed_at", "removals.removal"),
            ] %}

            union all

            select
                deals.opportunity_key,
                deals.source_instance,
                deals.pipeline,
                greatest(removals.{{ moment }}, deals.begins_at) as happened_at,
                {{ 2 + loop.index }} as step,
                null as stage,
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

    placed as (
        select
            turns.*,
            case when turns.stage is not null then coalesce(stages.status, 'open') end as status
        from turns
        left join
            stages
            on turns.source_instance = stages.source_instance
            and turns.pipeline = stages.pipeline
            and turns.stage = stages.stage
        where turns.happened_at <= {{ as_of() }}
    ),

    filled as (
        select
            opportunity_key,
            pipeline,
            happened_at,
            lead(happened_at) over (
                partition by opportunity_key order by happened_at, step
            ) as next_happened_at,
            {%- for field in fields + ["has_amount", "status", "removal"] %}
                {{ last_known(field, "opportunity_key", "happened_at, step") }}
                as {{ field }}{{ ',' if not loop.last }}
            {%- endfor %}
        from placed
    ),

    states as (
        select
            opportunity_key,
            pipeline,
            happened_at,
            {{ local_day("happened_at") }} as happened_on,
            nullif(stage, '') as stage,
            case when has_amount then cast(amount as {{ numeric_type() }}) end as amount,
            coalesce(nullif(currency, ''), '{{ var("currency") }}') as currency,
            cast(nullif(close_date, '') as date) as close_date,
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
            {%- for field in ["stage", "amount", "currency", "close_date", "rep"] %}
                lag({{ field }}) over in_order as {{ field }}_before,
            {%- endfor %}
            lead(happened_on) over in_order as next_happened_on
        from states
        window in_order as (partition by opportunity_key order by happened_at)
    ),

    final as (
        select
            opportunity_key,
            nullif(pipeline, '') as pipeline,
            happened_at,
            happened_on,
            coalesce(next_happened_on, {{ as_of_day() }}) as until,
            coalesce(was_open, false) as was_open,
            is_open,
            case
                when was_open then null when was_open is null then 'created' else 'reopened'
            end as came_by,
            case when is_open then null when removal <> '' then removal else status end as left_by,
            {%- for field in ["stage", "amount", "currency", "close_date", "rep"] %}
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
