{{
    increment(
        "clocked",
        of=[
            "int_opportunities__unioned",
            "int_opportunity_value_changes",
            "int_opportunity_stage_moves",
        ],
    )
}}
{%- set fields = value_fields() -%}
-- The life of each deal as intervals in which nothing changed: [valid_from, valid_to).
--
-- It begins when the deal was created, whatever its history tells of before. The stage is that of
-- int_opportunity_stage_moves. Between changes another field keeps the value of the last change;
-- before its first change it has that change's old value; after its last one, the record's own. A
-- value that was emptied is none until the next change.
-- Intervals after the run's moment are left out, so the last one of each deal is its state as of
-- then. A valid_from of NULL says that nobody knows since when.
with
    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    changes as (
        select *
        from {{ ref("int_opportunity_value_changes") }}
        where field in ('stage', '{{ fields | join("', '") }}')
    ),

    moves as (select * from {{ ref("int_opportunity_stage_moves") }}),

    stages as (select * from {{ ref("int_stages__resolved") }}),

    first_and_last as (
        select
            opportunity_key,
            {%- for field in fields %}
                max(
                    case
                        when field = '{{ field }}' and position = 1
                        then
                            {{
                                (
                                    "coalesce(old_value, new_value)"
                                    if field == "currency"
                                    else "old_value"
                                )
                            }}
                    end
                ) as first_{{ field }},
                max(case when field = '{{ field }}' then holds_from end) as last_{{ field }}_at
                {{- ',' if not loop.last }}
            {%- endfor %}
        from changes
        group by opportunity_key
    ),

    deals as (
        select
            opportunities.opportunity_key,
            opportunities.source_instance,
            beginnings.entered_at as begins_at,
            coalesce(beginnings.pipeline, '') as first_pipeline,
            beginnings.stage as first_stage,
            beginnings.status as first_status,
            {%- for field in fields %}
                opportunities.{{ field }},
                first_and_last.first_{{ field }},
                first_and_last.last_{{ field }}_at{{ ',' if not loop.last }}
            {%- endfor %}
        from opportunities
        inner join
            moves as beginnings
            on opportunities.opportunity_key = beginnings.opportunity_key
            and beginnings.position = 1
        left join first_and_last on opportunities.opportunity_key = first_and_last.opportunity_key
    ),

    instants as (
        select
            opportunity_key,
            begins_at as valid_from,
            0 as step,
            first_pipeline as pipeline,
            first_stage as stage,
            first_status as status,
            {%- for field in fields %}
                coalesce(first_{{ field }}, '') as {{ field }}{{ ',' if not loop.last }}
            {%- endfor %}
        from deals

        union all

        select
            opportunity_key,
            holds_from as valid_from,
            1 as step,
            null as pipeline,
            null as stage,
            null as status,
            {%- for field in fields %}
                max(
                    case when field = '{{ field }}' then coalesce(new_value, '') end
                ) as {{ field }}{{ ',' if not loop.last }}
            {%- endfor %}
        from changes
        where is_last_in_instant
        group by opportunity_key, holds_from

        union all

        select
            opportunity_key,
            entered_at as valid_from,
            2 as step,
            coalesce(pipeline, '') as pipeline,
            stage,
            status,
            {%- for field in fields %}
                cast(null as {{ dbt.type_string() }}) as {{ field }}{{ ',' if not loop.last }}
            {%- endfor %}
        from moves
        where position > 1 and is_last_in_instant
    ),

    {#- NULL, the unknown beginning, comes first on every engine; '' is a value that was emptied. #}
    {% set order = "coalesce(valid_from, cast('0001-01-01' as timestamp)), step" %}
    filled as (
        select
            opportunity_key,
            valid_from,
            step,
            {{ last_known("pipeline", "opportunity_key", order) }} as pipeline,
            {{ last_known("stage", "opportunity_key", order) }} as stage,
            {{ last_known("status", "opportunity_key", order) }} as status,
            {%- for field in fields %}
                nullif({{ last_known(field, "opportunity_key", order) }}, '') as {{ field }},
            {%- endfor %}
            lead(valid_from) over (partition by opportunity_key order by {{ order }}) as valid_to
        from instants
    ),

    valued as (
        select
            filled.opportunity_key,
            filled.valid_from,
            filled.valid_to,
            deals.source_instance,
            nullif(filled.pipeline, '') as pipeline,
            filled.stage,
            filled.status,
            case
                when {{ is_settled("amount") }}
                then deals.amount
                else {{ money_from_text("filled.amount") }}
            end as amount_native,
            case
                when {{ is_settled("currency") }} then deals.currency else filled.currency
            end as currency,
            case
                when {{ is_settled("close_date") }}
                then deals.close_date
                else {{ date_from_text("filled.close_date") }}
            end as close_date,
            case
                when {{ is_settled("owner_id") }} then deals.owner_id else filled.owner_id
            end as owner_id,
            case
                when {{ is_settled("probability") }}
                then deals.probability
                else {{ share_from_text("filled.probability") }}
            end as deal_probability,
            case
                when {{ is_settled("forecast_category") }}
                then deals.forecast_category
                else filled.forecast_category
            end as forecast_category
        from filled
        inner join deals on filled.opportunity_key = deals.opportunity_key
        where
            (
                filled.valid_to is null
                or filled.valid_from is null
                or filled.valid_to > filled.valid_from
            )
            and (filled.valid_from is null or filled.valid_from <= {{ as_of() }})
    ),

    final as (
        select
            valued.opportunity_key,
            valued.valid_from,
            case when valued.valid_to <= {{ as_of() }} then valued.valid_to end as valid_to,
            valued.source_instance,
            valued.pipeline,
            valued.stage,
            stages.stage_label,
            stages.stage_order,
            valued.status,
            stages.probability,
            valued.amount_native,
            coalesce(valued.currency, '{{ var("currency") }}') as currency,
            valued.close_date,
            valued.owner_id,
            valued.deal_probability,
            coalesce(valued.forecast_category, stages.forecast_category) as forecast_category
        from valued
        left join
            stages
            on valued.source_instance = stages.source_instance
            and coalesce(valued.pipeline, '') = coalesce(stages.pipeline, '')
            and valued.stage = stages.stage
    )

select *
from final
