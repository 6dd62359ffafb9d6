-- Of each of the company's latest means and other quotients of records: how sure it is. One with
-- something on a `side` has no error: costs and targets are no records of a sample.
with
    own as (
        select *
        from {{ ref("int_benchmarks__own") }}
        where kind = 'quotient' and not is_state and not is_whole and own_value is not null
    ),

    firsts as (
        select metric, variant, min(period_start) as first_start from own group by metric, variant
    ),

    -- Few of all members, read once for the periods of all lengths.
    recent as (
        select
            members.metric,
            members.variant,
            members.period_on,
            members.counts_in,
            members.side,
            members.numerator,
            members.denominator
        from {{ ref("kpi_members") }} as members
        inner join
            firsts
            on members.metric = firsts.metric
            and members.variant = firsts.variant
            and members.period_on >= firsts.first_start
        where members.company is not null and members.exclusion_reason is null
    ),

    members as (
        {%- for grain in ["month", "quarter", "year"] %}
            select
                own.metric,
                own.variant,
                own.period_grain,
                own.own_value,
                recent.side,
                recent.numerator,
                recent.denominator
            from recent
            inner join
                own
                on recent.metric = own.metric
                and recent.variant = own.variant
                and {{ kpi_period_start("recent.period_on", grain) }} = own.period_start
            where
                own.period_grain = '{{ grain }}'
                and coalesce(recent.counts_in, '{{ grain }}') like '%{{ grain }}%'
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
