-- One row per deal and month at whose end (now, in the current one) it is open, in its state of
-- then; `amount` is at the rate of the month's last day, `next_amount` at that of the day after.
-- A deal of which nobody knows since when it is open counts now only.
with
    states as (select * from {{ ref("int_opportunity_states") }} where status = 'open'),

    removals as (
        select
            opportunity_key,
            removed_at,
            coalesce(restored_at, cast('9999-12-31' as timestamp)) as restored_at
        from {{ ref("int_opportunity_removals") }}
    ),

    -- Whatever was removed is out of the pipeline of now.
    months as (
        select
            *,
            case
                when is_current then cast('9999-12-31' as timestamp) else ends_at
            end as removed_before
        from {{ ref("int_pipeline_months") }}
    ),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    open_at_end as (
        select months.month_start, months.ends_at, months.ends_on, months.removed_before, states.*
        from states
        inner join
            months
            on states.valid_from < months.ends_at
            and coalesce(states.valid_to, cast('9999-12-31' as timestamp)) >= months.ends_at
        where not months.is_current

        union all

        select months.month_start, months.ends_at, months.ends_on, months.removed_before, states.*
        from states
        inner join months on months.is_current
        where states.valid_to is null
    ),

    kept as (
        select open_at_end.*
        from open_at_end
        left join
            removals
            on open_at_end.opportunity_key = removals.opportunity_key
            and open_at_end.ends_at <= removals.restored_at
            and open_at_end.removed_before > removals.removed_at
        where removals.opportunity_key is null
    ),

    final as (
        select
            kept.month_start,
            kept.opportunity_key,
            {{ or_none("kept.owner_id") }} as rep,
            kept.stage,
            kept.probability,
            kept.close_date,
            {{ month_start("kept.close_date") }} as due_month,
            kept.currency,
            cast(kept.amount_native as {{ numeric_type() }}) as amount_native,
            {{ reporting_amount("kept.amount_native", fx_rate("kept.currency", "rates")) }}
            as amount,
            {{ reporting_amount("kept.amount_native", fx_rate("kept.currency", "next_rates")) }}
            as next_amount
        from kept
        left join rates on kept.currency = rates.currency and kept.ends_on = rates.date_day
        left join
            rates as next_rates
            on kept.currency = next_rates.currency
            and next_rates.date_day = {{ dbt.dateadd("day", 1, "kept.ends_on") }}
    )

select *
from final
