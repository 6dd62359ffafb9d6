-- The life of each deal as intervals in which nothing changed: [valid_from, valid_to).
--
-- Between changes a field keeps the value of the last change; before its first change it has that
-- change's old value; after its last one, the record's own. A deal without stage history was open
-- in an unknown stage (NULL) from its creation until it closed. Intervals after the run's moment
-- are left out, so the last one of each deal is its state as of then. A valid_from of NULL says
-- that nobody knows since when.
with
    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    changes as (
        select *
        from {{ ref("int_opportunity_changes") }}
        where
            field in ('stage', 'amount', 'currency', 'close_date', 'owner_id', 'forecast_category')
    ),

    stages as (select * from {{ ref("int_stages__resolved") }}),

    first_and_last as (
        select
            opportunity_key,
            min(changed_at) as first_changed_at,
            max(
                case when field = 'stage' and position = 1 then coalesce(old_value, new_value) end
            ) as first_stage,
            max(
                case
                    when field = 'currency' and position = 1 then coalesce(old_value, new_value)
                end
            ) as first_currency,
            max(case when field = 'amount' and position = 1 then old_value end) as first_amount,
            max(
                case when field = 'close_date' and position = 1 then old_value end
            ) as first_close_date,
            max(case when field = 'owner_id' and position = 1 then old_value end) as first_owner_id,
            max(
                case when field = 'forecast_category' and position = 1 then old_value end
            ) as first_forecast_category,
            max(case when field = 'stage' and is_last then new_value end) as last_stage,
            max(case when field = 'stage' then changed_at end) as last_stage_at,
            max(case when field = 'currency' then changed_at end) as last_currency_at,
            max(case when field = 'amount' then changed_at end) as last_amount_at,
            max(case when field = 'close_date' then changed_at end) as last_close_date_at,
            max(case when field = 'owner_id' then changed_at end) as last_owner_id_at,
            max(
                case when field = 'forecast_category' then changed_at end
            ) as last_forecast_category_at
        from changes
        group by opportunity_key
    ),

    deals as (
        select
            opportunities.opportunity_key,
            opportunities.source_instance,
            opportunities.pipeline,
            opportunities.stage,
            opportunities.amount,
            opportunities.currency,
            opportunities.close_date,
            opportunities.owner_id,
            opportunities.forecast_category,
            least(opportunities.created_at, first_and_last.first_changed_at) as begins_at,
            first_and_last.first_stage,
            first_and_last.first_currency,
            first_and_last.first_amount,
            first_and_last.first_close_date,
            first_and_last.first_owner_id,
            first_and_last.first_forecast_category,
            first_and_last.last_stage_at,
            first_and_last.last_currency_at,
            first_and_last.last_amount_at,
            first_and_last.last_close_date_at,
            first_and_last.last_owner_id_at,
            first_and_last.last_forecast_category_at,
            -- The moment of a closing that the history does not tell, from the record itself.
            case
                when
                    stages.status <> 'open'
                    and (
                        first_and_last.last_stage is null
                        or first_and_last.last_stage <> opportunities.stage
                    )
                then coalesce(opportunities.closed_at, {{ day_start("opportunities.close_date") }})
            end as untold_closing_at
        from opportunities
        left join first_and_last on opportunities.opportunity_key = first_and_last.opportunity_key
        left join
            stages
            on opportunities.source_instance = stages.source_instance
            and coalesce(opportunities.pipeline, '') = coalesce(stages.pipeline, '')
            and opportunities.stage = stages.stage
    ),

    instants as (
        select
            opportunity_key,
            changed_at as valid_from,
            1 as step,
            max(case when field = 'stage' then new_value end) as stage,
            max(case when field = 'currency' then new_value end) as currency,
            max(case when field = 'amount' then new_value end) as amount,
            max(case when field = 'close_date' then new_value end) as close_date,
            max(case when field = 'owner_id' then new_value end) as owner_id,
            max(case when field = 'forecast_category' then new_value end) as forecast_category
        from changes
        where is_last_in_instant
        group by opportunity_key, changed_at

        union all

        select
            opportunity_key,
            begins_at as valid_from,
            0 as step,
            case
                when first_stage is not null
                then first_stage
                when untold_closing_at is null or untold_closing_at <= begins_at
                then stage
            end as stage,
            first_currency as currency,
            first_amount as amount,
            first_close_date as close_date,
            first_owner_id as owner_id,
            first_forecast_category as forecast_category
        from deals

        union all

        select
            opportunity_key,
            untold_closing_at as valid_from,
            2 as step,
            stage,
            cast(null as {{ dbt.type_string() }}) as currency,
            cast(null as {{ dbt.type_string() }}) as amount,
            cast(null as {{ dbt.type_string() }}) as close_date,
            cast(null as {{ dbt.type_string() }}) as owner_id,
            cast(null as {{ dbt.type_string() }}) as forecast_category
        from deals
        where untold_closing_at > begins_at or (untold_closing_at is not null and begins_at is null)
    ),

    {#- NULL, the unknown beginning, comes first on every engine. #}
    {% set order = "coalesce(valid_from, cast('0001-01-01' as timestamp)), step" %}
    filled as (
        select
            opportunity_key,
            valid_from,
            step,
            {{ last_known("stage", "opportunity_key", order) }} as stage,
            {{ last_known("currency", "opportunity_key", order) }} as currency,
            {{ last_known("amount", "opportunity_key", order) }} as amount,
            {{ last_known("close_date", "opportunity_key", order) }} as close_date,
            {{ last_known("owner_id", "opportunity_key", order) }} as owner_id,
            {{ last_known("forecast_category", "opportunity_key", order) }} as forecast_category,
            lead(valid_from) over (partition by opportunity_key order by {{ order }}) as valid_to
        from instants
    ),

    valued as (
        select
            filled.opportunity_key,
            filled.valid_from,
            filled.valid_to,
            deals.source_instance,
            deals.pipeline,
            case
                when deals.untold_closing_at is null and {{ is_settled("stage") }}
                then deals.stage
                else filled.stage
            end as stage,
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
                else cast(filled.close_date as date)
            end as close_date,
            case
                when {{ is_settled("owner_id") }} then deals.owner_id else filled.owner_id
            end as owner_id,
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
            stages.stage_order,
            coalesce(stages.status, 'open') as status,
            stages.probability,
            valued.amount_native,
            coalesce(valued.currency, '{{ var("currency") }}') as currency,
            valued.close_date,
            valued.owner_id,
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
