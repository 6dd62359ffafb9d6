-- The definitions of a metric side by side, on the same deals: its variants, who uses which, and
-- why they differ. Each period of the company, and each of its stages where the metric has stages.
with
    sources as (select * from {{ ref("definition_sources") }}),

    metric_values as (
        select *
        from {{ ref("kpi_values") }}
        where
            metric in (select metric from {{ ref("definition_sources") }})
            and dimension in ('company', 'stage')
    ),

    definitions as (select metric, variant, formula from {{ ref("kpi_definitions") }}),

    final as (
        select
            metric_values.metric,
            metric_values.period_grain,
            metric_values.period_start,
            metric_values.dimension,
            metric_values.dimension_key,
            metric_values.variant,
            definitions.formula,
            metric_values.unit,
            metric_values.value,
            metric_values.value - defaults.value as difference_from_default,
            metric_values.numerator,
            metric_values.denominator,
            metric_values.n_included,
            metric_values.n_excluded,
            sources.used_by,
            sources.title as source_title,
            sources.url as source_url,
            sources.why_it_differs
        from metric_values
        left join
            metric_values as defaults
            on defaults.variant = 'default'
            and metric_values.metric = defaults.metric
            and metric_values.period_grain = defaults.period_grain
            and coalesce(metric_values.period_start, date '0001-01-01')
            = coalesce(defaults.period_start, date '0001-01-01')
            and metric_values.dimension = defaults.dimension
            and metric_values.dimension_key = defaults.dimension_key
        left join
            definitions
            on metric_values.metric = definitions.metric
            and metric_values.variant = definitions.variant
        left join
            sources
            on metric_values.metric = sources.metric
            and metric_values.variant = sources.variant
    )

select *
from final
