{{ config(meta={"dagster": {"ref": {"name": "mart_funnel"}}}) }}
-- The leads of the funnel, and those of them that won, are lead_conversion_rate's, cohort by
-- cohort.
with
    funnel as (
        select
            coalesce(cohort_month, {{ beginning_of_time() }}) as period_start,
            dimension,
            dimension_key,
            won,
            opportunities,
            leads
        from {{ ref("mart_funnel") }}
    ),

    conversion as (
        select
            coalesce(period_start, {{ beginning_of_time() }}) as period_start,
            dimension,
            dimension_key,
            max(case when variant = 'default' then numerator end) as won,
            max(case when variant = 'to_opportunity' then numerator end) as opportunities,
            max(case when variant = 'default' then denominator end) as leads
        from {{ ref("kpi_values") }}
        where
            metric = 'lead_conversion_rate'
            and period_grain in ('month', 'all')
            and dimension in ('company', 'channel', 'campaign')
            and n_included > 0
        group by coalesce(period_start, {{ beginning_of_time() }}), dimension, dimension_key
    )

select *
from funnel
full outer join
    conversion
    on funnel.period_start = conversion.period_start
    and funnel.dimension = conversion.dimension
    and funnel.dimension_key = conversion.dimension_key
where
    funnel.leads is distinct from conversion.leads
    or funnel.won is distinct from conversion.won
    or funnel.opportunities is distinct from conversion.opportunities
