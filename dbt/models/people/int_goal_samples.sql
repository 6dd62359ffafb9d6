{%- set cuts = kpi_cuts() -%}
-- Of each goal on a mean or another quotient whose period goes on: how much the records of the
-- period differ. One with something on a `side` has none: costs are no records of a sample.
with
    goals as (
        select *
        from {{ ref("int_goal_periods") }}
        where kind = 'quotient' and not is_state and not has_ended and actual is not null
    ),

    asked as (select distinct metric, variant, period_grain, period_start from goals),

    members as (
        select asked.period_grain, asked.period_start, members.*
        from {{ ref("kpi_members") }} as members
        inner join
            asked
            on members.metric = asked.metric
            and members.variant = asked.variant
            and case
                asked.period_grain
                {%- for grain in ["month", "quarter", "year"] %}
                    when '{{ grain }}' then {{ kpi_period_start("members.period_on", grain) }}
                {%- endfor %}
            end
            = asked.period_start
        where
            members.exclusion_reason is null
            and coalesce(members.counts_in, asked.period_grain)
            like '%' || asked.period_grain || '%'
    ),

    by_cut as (
        select
            metric,
            variant,
            period_grain,
            period_start,
            case
                {%- for cut in cuts %} when grouping({{ cut }}) = 0 then '{{ cut }}' {%- endfor %}
            end as dimension,
            coalesce({{ cuts | join(", ") }}) as dimension_key,
            count(side) as n_on_sides,
            count(*) as n,
            {{ quotient_sums() }}
        from members
        group by
            grouping sets (
                {%- for cut in cuts %}
                    (metric, variant, period_grain, period_start, {{ cut }})
                    {{- ',' if not loop.last }}
                {%- endfor %}
            )
    ),

    final as (
        select
            goals.goal,
            goals.period_start,
            by_cut.n,
            {{
                quotient_error(
                    "goals.actual",
                    "by_cut.n",
                    "by_cut.sum_nn",
                    "by_cut.sum_nd",
                    "by_cut.sum_dd",
                    "by_cut.sum_d",
                )
            }} as standard_error
        from goals
        inner join
            by_cut
            on goals.metric = by_cut.metric
            and goals.variant = by_cut.variant
            and goals.period_grain = by_cut.period_grain
            and goals.period_start = by_cut.period_start
            and goals.dimension = by_cut.dimension
            and goals.dimension_key = by_cut.dimension_key
        where by_cut.n_on_sides = 0
    )

select *
from final
