{{ config(materialized='table') }}

-- One row per deal that was open when a month ended, in its state of then: stage, amount, owner.
-- A deal of which nobody knows since when it is open counts now only.
with states as (
    select * from {{ ref('int_opportunity_states') }}
    where status = 'open'
),

deals as (
    select * from {{ ref('fct_opportunities') }}
    where removal is null or removed_at is not null
),

reps as (
    select * from {{ ref('dim_rep') }}
),

months as (
    select * from {{ ref('int_pipeline_months') }}
),

rates as (
    select * from {{ ref('int_fx_rates__daily') }}
),

open_at_end as (
    select
        months.month_start,
        months.ends_at,
        months.ends_on,
        states.*
    from states
    inner join months
        on states.valid_from < months.ends_at
        and coalesce(states.valid_to, cast('9999-12-31' as timestamp)) >= months.ends_at
    where not months.is_current

    union all

    select
        months.month_start,
        months.ends_at,
        months.ends_on,
        states.*
    from states
    inner join months on months.is_current
    where states.valid_to is null
),

priced as (
    select
        open_at_end.month_start,
        deals.opportunity_key,
        deals.opportunity_id,
        {{ or_none('open_at_end.owner_id') }} as rep,
        {{ or_none('reps.team') }} as team,
        {{ or_none('reps.manager_id') }} as manager,
        {{ or_none('coalesce(deals.own_region, reps.region)') }} as region,
        {{ or_none('coalesce(deals.own_segment, reps.segment)') }} as segment,
        {{ or_none('deals.lead_source') }} as lead_source,
        {{ or_none('deals.product') }} as product,
        {{ or_none('deals.deal_type') }} as deal_type,
        {{ or_none('deals.pipeline') }} as pipeline,
        {{ or_none('open_at_end.stage') }} as stage,
        open_at_end.probability,
        {{ reporting_amount('open_at_end.amount_native', fx_rate('open_at_end.currency', 'rates')) }} as amount
    from open_at_end
    inner join deals on open_at_end.opportunity_key = deals.opportunity_key
    left join reps on open_at_end.owner_id = reps.rep_id
    left join rates
        on open_at_end.currency = rates.currency
        and open_at_end.ends_on = rates.date_day
    where deals.removed_at is null or deals.removed_at >= open_at_end.ends_at
)

select
    'default' as variant,
    {{ deal_member() }},
    stage,
    month_start as period_on,
    amount as numerator,
    cast(null as integer) as denominator,
    case when amount is null then 'no_amount' end as exclusion_reason
from priced

union all

select
    'weighted' as variant,
    {{ deal_member() }},
    stage,
    month_start as period_on,
    cast(cast(amount as numeric(24, 6)) * cast(probability as numeric(8, 6)) as {{ numeric_type() }}) as numerator,
    cast(null as integer) as denominator,
    case
        when amount is null then 'no_amount'
        when probability is null then 'no_probability'
    end as exclusion_reason
from priced
