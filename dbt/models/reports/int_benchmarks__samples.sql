-- Of each of the company's latest means and other quotients of records: how sure it is. One with
-- something on a `side` has no error: costs and targets are no records of a sample.
with
    own as (
        select *
        from {{ ref("int_benchmarks__own") }}
        where kind = 'quotient' and not is_state and not is_whole and own_value is not null
    ),

    members as (
        {%- for grain in ["month", "quarter", "year"] %}
            select
                own.metric,
                own.variant,
                own.period_grain,
                own.own_value,
                members.side,
                members.numerator,
                members.denominator
            from {{ ref("kpi_members") }} as members
            inner join
                own
                on members.metric = own.metric
                and members.variant = own.variant
                and {{ kpi_period_start("members.period_on", grain) }} = own.period_start
            where
                own.period_grain = '{{ grain }}'
                and members.company is not null
                and members.exclusion_reason is null
                and coalesce(members.counts_in, '{{ grain }}') like '%{{ grain }}%'
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    summed as (
        select
            metric,
            variant,
            period_grain,
            own_value,
            count(side) as n_on_sides,
            count(*) as n,
            {{ quotient_sums() }}
        from members
        group by metric, variant, period_grain, own_value
    ),

    final as (
        select
            metric,
            variant,
            period_grain,
            n,
            {{ quotient_error("own_value", "n", "sum_nn", "sum_nd", "sum_dd", "sum_d") }}
            as standard_error
        from summed
        where n_on_sides = 0
    )

select *
from final
