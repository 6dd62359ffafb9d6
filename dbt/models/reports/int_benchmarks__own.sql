-- Each metric of the company in the latest month, quarter and year that have ended; the value is
-- NULL where the period has none.
with
    variants as (select * from {{ ref("kpi_variants") }}),

    definitions as (select metric, variant, better from {{ ref("kpi_definitions") }}),

    latest as (
        {%- for grain in ["month", "quarter", "year"] %}
            select
                variants.metric,
                variants.variant,
                variants.unit,
                variants.kind,
                definitions.better,
                variants.state is not null as is_state,
                variants.kind = 'sum' or {{ kpi_says("variants", "sample", "none") }} as is_whole,
                {{ kpi_says("variants", "matures", true) }} as matures,
                '{{ grain }}' as period_grain,
                {{
                    fiscal_period_start(
                        dbt.dateadd(
                            "month",
                            -1,
                            fiscal_period_start(month_start(ended_by_day()), grain),
                        ),
                        grain,
                    )
                }} as period_start
            from variants
            inner join
                definitions
                on variants.metric = definitions.metric
                and variants.variant = definitions.variant {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    final as (
        select
            latest.*,
            kpis.value as own_value,
            cast(kpis.numerator as {{ double_type() }}) as numerator,
            cast(kpis.denominator as {{ double_type() }}) as denominator,
            coalesce(kpis.n_included, 0) as own_n,
            latest.is_whole or {{ is_enough("coalesce(kpis.n_included, 0)") }} as is_enough_data
        from latest
        left join
            {{ ref("kpi_values") }} as kpis
            on kpis.dimension = 'company'
            and latest.metric = kpis.metric
            and latest.variant = kpis.variant
            and latest.period_grain = kpis.period_grain
            and latest.period_start = kpis.period_start
    )

select *
from final
