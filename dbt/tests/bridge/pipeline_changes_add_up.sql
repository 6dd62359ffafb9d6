-- The effects of all changes since the beginning of month and quarter come to what the bridge says
-- of the deals in the company's own currency, on which exchange rates have no effect. A deal of
-- which nobody knows since when it is open comes into the bridge now, and is no change. A deal that
-- has changed its currency leaves the bridge of the one for that of the other; where there is one,
-- there is nothing to compare.
with
    undated as (
        select coalesce(sum(deals.amount), 0) as amount
        from {{ ref("int_opportunity_states") }} as states
        inner join
            {{ ref("fct_opportunities") }} as deals
            on states.opportunity_key = deals.opportunity_key
        where
            states.valid_from is null
            and states.valid_to is null
            and deals.is_open
            and deals.currency = '{{ var("currency") }}'
    ),

    effects as (
        select changes.since, sum(changes.pipeline_effect) as effect
        from {{ ref("mart_pipeline_changes") }} as changes
        inner join
            {{ ref("fct_opportunities") }} as deals
            on changes.opportunity_key = deals.opportunity_key
        where deals.currency = '{{ var("currency") }}'
        group by changes.since
    ),

    bridge as (
        select
            case period_grain when 'month' then 'month_start' else 'quarter_start' end as since,
            period_start,
            closing - opening - undated.amount as effect
        from {{ ref("fct_pipeline_bridge") }}
        cross join undated
        where
            scope = 'open'
            and dimension = 'company'
            and basis = 'native'
            and currency_code = '{{ var("currency") }}'
            and period_start = case
                period_grain
                when 'month'
                then {{ current_month() }}
                else {{ fiscal_period_start(current_month(), "quarter") }}
            end
    )

select bridge.since, bridge.effect as bridge_effect, effects.effect as changes_effect
from bridge
left join effects on bridge.since = effects.since
where
    bridge.effect <> coalesce(effects.effect, 0)
    and not exists (
        select 1
        from {{ ref("fct_opportunity_changes") }} as changes
        where
            changes.field = 'currency'
            and changes.old_value is not null
            and changes.changed_on >= bridge.period_start
    )
