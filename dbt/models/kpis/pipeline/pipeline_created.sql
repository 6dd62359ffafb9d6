{{
    increment(
        "clocked",
        of=["int_kpi_deals", "int_opportunity_states", "int_opportunity_removals"],
        compared={
            "int_user_versions": settled_versions(),
            "dim_rep": "select rep_id, region, segment from {rows}",
            "int_fx_rates__daily": settled_rates(),
        },
        materialized="view",
    )
}}
{%- set creation_exclusion -%}
    coalesce(removal, case when created_on is null then 'no_created_at' end)
{%- endset -%}
-- Deals as they came. `as_created` sees them as the pipeline's bridge does: those that began open,
-- also such as were removed later, in their first state, at the rate of its day and to the credit
-- of the owner of then, in the team of that moment.
with
    deals as (select * from {{ ref("int_kpi_deals") }}),

    states as (select * from {{ ref("int_opportunity_states") }}),

    beginnings as (
        select opportunity_key, min({{ unknown_as_first("valid_from") }}) as began_at
        from states
        group by opportunity_key
    ),

    first_states as (
        select
            states.opportunity_key,
            states.valid_from,
            states.status,
            states.owner_id,
            states.pipeline,
            states.amount_native,
            states.currency,
            {{ local_day("states.valid_from") }} as began_on
        from states
        inner join
            beginnings
            on states.opportunity_key = beginnings.opportunity_key
            and {{ unknown_as_first("states.valid_from") }} = beginnings.began_at
    ),

    removals as (select * from {{ ref("int_opportunity_removals") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    as_created as (
        select
            deals.opportunity_key,
            deals.opportunity_id,
            {{ or_none("first_states.owner_id") }} as rep,
            {{ or_none("versions.team") }} as team,
            {{ or_none("versions.manager_id") }} as manager,
            {{ or_none("coalesce(deals.own_region, reps.region)") }} as region,
            {{ or_none("coalesce(deals.own_segment, reps.segment)") }} as segment,
            deals.lead_source,
            deals.product,
            deals.deal_type,
            {{ or_none("first_states.pipeline") }} as pipeline,
            {{ extra_cuts_of("opportunities", "deals") }}
            first_states.began_on,
            first_states.status,
            removals.removal,
            first_states.amount_native,
            {{
                reporting_amount(
                    "first_states.amount_native", fx_rate("first_states.currency", "rates")
                )
            }} as amount
        from first_states
        inner join deals on first_states.opportunity_key = deals.opportunity_key
        left join reps on first_states.owner_id = reps.rep_id
        left join
            versions
            on first_states.owner_id = versions.rep_id
            and {{ is_version_at("versions", "coalesce(first_states.valid_from, " ~ as_of() ~ ")") }}
        left join
            removals
            on first_states.opportunity_key = removals.opportunity_key
            and first_states.valid_from >= removals.removed_at
            and first_states.valid_from < coalesce(removals.restored_at, {{ end_of_time() }})
        left join
            rates
            on first_states.currency = rates.currency
            and first_states.began_on = rates.date_day
    )

select
    'default' as variant,
    {{ deal_member() }},
    created_on as period_on,
    amount as numerator,
    cast(null as integer) as denominator,
    coalesce(
        {{ creation_exclusion }}, {{ amount_exclusion("amount_native", "amount") }}
    ) as exclusion_reason
from deals

union all

select
    'count' as variant,
    {{ deal_member() }},
    created_on as period_on,
    1 as numerator,
    cast(null as integer) as denominator,
    {{ creation_exclusion }} as exclusion_reason
from deals

union all

select
    'as_created' as variant,
    {{ deal_member() }},
    began_on as period_on,
    amount as numerator,
    cast(null as integer) as denominator,
    coalesce(
        removal,
        case
            when began_on is null then 'no_created_at' when status <> 'open' then 'born_closed'
        end,
        {{ amount_exclusion("amount_native", "amount") }}
    ) as exclusion_reason
from as_created
