{{ config(materialized="table") }}

-- What each rep, team and the company has won against its quota, by period that has begun.
--
-- A rep has a quota in a period when any of its months up to the current one has. A team's or the
-- company's own quota goes before the sum of its reps' quotas; only with its own quota does it
-- answer for the deals of reps who have none.
with
    quotas as (select * from {{ ref("int_quotas__monthly") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    won as (
        {%- for measure, metric in [("revenue", "revenue_won"), ("deals", "deals_won")] %}
            select
                '{{ measure }}' as measure,
                period_grain,
                period_start,
                dimension,
                dimension_key,
                numerator
            from {{ ref("kpi_" ~ metric) }}
            where dimension in ('company', 'team', 'rep') {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    by_period as (
        {%- for grain in ["month", "quarter", "year", "all"] %}
            select
                target,
                target_key,
                measure,
                '{{ grain }}' as period_grain,
                {{ kpi_period_start("month_start", grain) }} as period_start,
                sum(amount) as quota,
                max(case when month_start <= {{ current_month() }} then 1 else 0 end) as has_begun
            from quotas
            {%- if grain == "all" %} where month_start <= {{ current_month() }} {%- endif %}
            group by
                target,
                target_key,
                measure{{ ', ' ~ kpi_period_start('month_start', grain) if grain != 'all' }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    attained as (
        select
            by_period.target,
            by_period.target_key,
            by_period.measure,
            by_period.period_grain,
            by_period.period_start,
            by_period.quota,
            coalesce(won.numerator, 0) as won,
            reps.team,
            reps.manager_id,
            reps.region,
            reps.segment
        from by_period
        left join
            won
            on by_period.measure = won.measure
            and by_period.period_grain = won.period_grain
            and coalesce(by_period.period_start, date '0001-01-01')
            = coalesce(won.period_start, date '0001-01-01')
            and by_period.target_key = won.dimension_key
            and by_period.target = won.dimension
        left join reps on by_period.target = 'rep' and by_period.target_key = reps.rep_id
        where by_period.has_begun = 1
    ),

    without_quota as (
        select
            won.measure,
            won.period_grain,
            won.period_start,
            won.dimension_key as rep_id,
            reps.team,
            reps.manager_id,
            reps.region,
            reps.segment
        from won
        left join
            attained
            on attained.target = 'rep'
            and won.measure = attained.measure
            and won.period_grain = attained.period_grain
            and coalesce(won.period_start, date '0001-01-01')
            = coalesce(attained.period_start, date '0001-01-01')
            and won.dimension_key = attained.target_key
        left join reps on won.dimension_key = reps.rep_id
        where
            won.dimension = 'rep'
            and won.dimension_key <> '(none)'
            and won.numerator > 0
            and attained.target_key is null
            and won.measure in (select measure from quotas)
    ),

    final as (
        select
            target,
            target_key,
            measure,
            period_grain,
            period_start,
            quota,
            won,
            team,
            manager_id,
            region,
            segment,
            cast(null as {{ dbt.type_string() }}) as exclusion_reason
        from attained

        union all

        select
            'rep' as target,
            rep_id as target_key,
            measure,
            period_grain,
            period_start,
            null as quota,
            null as won,
            team,
            manager_id,
            region,
            segment,
            'no_quota' as exclusion_reason
        from without_quota
    )

select *
from final
