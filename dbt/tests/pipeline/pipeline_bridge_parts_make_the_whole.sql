-- The company's bridge is the sum of its reps' bridges, and the reporting one's opening of a month
-- is the closing of the month before.
with
    bridge as (select * from {{ ref("fct_pipeline_bridge") }}),

    reps as (
        select
            scope,
            period_grain,
            period_start,
            basis,
            currency_code,
            {%- for entry in bridge_entries() %}
                sum({{ entry }}) as {{ entry }}{{ ',' if not loop.last }}
            {%- endfor %}
        from bridge
        where dimension = 'rep'
        group by scope, period_grain, period_start, basis, currency_code
    ),

    with_previous as (
        select
            *,
            lag(closing) over (
                partition by scope, period_grain, dimension, basis order by period_start
            ) as previous_closing
        from bridge
        where scope = 'open' and dimension = 'company' and basis = 'reporting'
    )

select
    'parts' as problem,
    company.scope,
    company.period_grain,
    company.period_start,
    company.currency_code
from bridge as company
left join
    reps
    on company.scope = reps.scope
    and company.period_grain = reps.period_grain
    and company.period_start = reps.period_start
    and company.basis = reps.basis
    and company.currency_code = reps.currency_code
where
    company.dimension = 'company'
    and (
        {%- for entry in bridge_entries() %}
            company.{{ entry }} <> coalesce(reps.{{ entry }}, 0){{ ' or' if not loop.last }}
        {%- endfor %}
    )

union all

select 'chain' as problem, scope, period_grain, period_start, currency_code
from with_previous
where opening <> coalesce(previous_closing, 0)
