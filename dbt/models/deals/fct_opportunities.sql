{{
    increment(
        "clocked",
        of=["int_opportunities__current"],
        compared={
            "int_user_versions": settled_versions(),
            "dim_rep": "select rep_id, rep_name, region, segment from {rows}",
            "int_fx_rates__daily": settled_rates(),
        },
        apart=["dim_account"],
    )
}}
-- One row per deal, deleted and merged ones included and marked, as of the run's moment.
with
    opportunities as (select * from {{ ref("int_opportunities__current") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    accounts as (select account_key, source_instance, account_id from {{ ref("dim_account") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    on_local_clocks as (
        select
            *,
            coalesce(first_contact_at, created_at) as contact_at,
            {{ local_time("coalesce(first_contact_at, created_at)") }} as contact_local,
            {{ local_time("created_at") }} as created_local,
            {{ local_time("closed_at") }} as closed_local
        from opportunities
    ),

    dated as (
        select
            *,
            cast(created_local as date) as created_on,
            cast(closed_local as date) as closed_on,
            coalesce(cast(closed_local as date), {{ as_of_day() }}) as rate_on,
            {{
                days_between(
                    "contact_at", "closed_at", "contact_local", "closed_local", "closed_is_bare"
                )
            }} as days_from_contact_to_close,
            {{
                days_between(
                    "created_at", "closed_at", "created_local", "closed_local", "closed_is_bare"
                )
            }} as days_from_creation_to_close
        from on_local_clocks
    ),

    priced as (
        select dated.*, {{ fx_rate("dated.currency", "rates") }} as fx_rate
        from dated
        left join rates on dated.currency = rates.currency and dated.rate_on = rates.date_day
    ),

    final as (
        select
            priced.opportunity_key,
            priced.source_system,
            priced.source_instance,
            priced.source_id as opportunity_id,
            priced.name as opportunity_name,
            accounts.account_key,
            priced.account_id,
            priced.owner_id,
            priced.credited_owner_id as rep_id,
            reps.rep_name,
            versions.team,
            versions.manager_id,
            priced.pipeline,
            priced.stage,
            priced.stage_order,
            priced.status,
            priced.status = 'open' and priced.removal is null as is_open,
            priced.status <> 'open' and priced.removal is null as is_closed,
            priced.status = 'won' and priced.removal is null as is_won,
            priced.probability,
            cast(priced.deal_probability as {{ type_of("number") }}) as deal_probability,
            cast(priced.amount_native as {{ numeric_type() }}) as amount_native,
            priced.currency,
            cast(priced.fx_rate as {{ rate_type() }}) as fx_rate,
            {{ reporting_amount("priced.amount_native", "priced.fx_rate") }} as amount,
            priced.created_at,
            priced.created_on,
            priced.first_contact_at,
            priced.close_date,
            priced.closed_at,
            priced.closed_on,
            priced.closed_is_bare,
            priced.days_from_contact_to_close,
            priced.days_from_creation_to_close,
            priced.deal_type,
            priced.lead_source,
            priced.product,
            priced.region as own_region,
            priced.segment as own_segment,
            coalesce(priced.region, reps.region) as region,
            coalesce(priced.segment, reps.segment) as segment,
            priced.loss_reason,
            priced.forecast_category,
            priced.campaign_id,
            {{ extra_of("opportunities", "priced") }}
            priced.merged_into_id,
            priced.removal,
            priced.removed_at,
            priced.source_updated_at,
            priced.loaded_at
        from priced
        left join reps on priced.credited_owner_id = reps.rep_id
        left join
            versions
            on priced.credited_owner_id = versions.rep_id
            and {{ is_version_at("versions", "coalesce(priced.closed_at, " ~ as_of() ~ ")") }}
        left join
            accounts
            on priced.source_instance = accounts.source_instance
            and priced.account_id = accounts.account_id
    )

select *
from final
