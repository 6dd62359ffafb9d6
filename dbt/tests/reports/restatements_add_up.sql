{{ config(meta={"dagster": {"ref": {"name": "mart_restatements"}}}) }}
-- The causes of a restatement add up to the difference, and the number now is that of kpi_values.
with
    restatements as (select * from {{ ref("mart_restatements") }}),

    kpis as (select * from {{ ref("kpi_values") }})

select 'causes' as problem, metric, variant, period_grain, period_start, dimension, dimension_key
from restatements
where late_facts + corrections + definition_change + later_events <> difference

union all

select
    'number' as problem,
    kpis.metric,
    kpis.variant,
    kpis.period_grain,
    kpis.period_start,
    kpis.dimension,
    kpis.dimension_key
from kpis
left join
    restatements
    on kpis.metric = restatements.metric
    and kpis.variant = restatements.variant
    and kpis.period_grain = restatements.period_grain
    and kpis.period_start = restatements.period_start
    and kpis.dimension = restatements.dimension
    and kpis.dimension_key = restatements.dimension_key
where
    {{ period_has_ended("kpis", as_of_day()) }}
    and (
        restatements.metric is null
        or (kpis.value is null) <> (restatements.value is null)
        or cast(kpis.value as numeric(28, 10)) <> restatements.value
    )
