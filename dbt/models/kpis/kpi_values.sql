{{
    increment(
        "variants",
        of=["kpi_month_cells", "kpi_medians"],
        key="(metric, variant)",
        stamps={"as_of": as_of(), "run_id": run_id()},
        by_month=true,
    )
}}
{%- set grains = ["week", "month", "quarter", "year", "all"] -%}
{%- set cuts = kpi_cuts() -%}
{%- set products = kpi_variants() | selectattr("kind", "eq", "product") | list -%}
{%- set cell = ["period_grain", "period_start", "dimension", "dimension_key"] -%}
-- Every metric, variant, period and cut: month cells added up to periods, medians, and products of
-- other metrics.
with
    variants as (select * from {{ ref("kpi_variants") }}),

    cells as (
        select cells.*, variants.state
        from {{ ref("kpi_month_cells") }} as cells
        inner join variants on cells.metric = variants.metric and cells.variant = variants.variant
    ),

    by_period as (
        {%- for grain in grains %}
            {%- set start = (
                "week_start"
                if grain == "week"
                else kpi_period_start("month_start", grain)
            ) %}
            select
                metric,
                variant,
                '{{ grain }}' as period_grain,
                {{ start }} as period_start,
                dimension,
                dimension_key,
                sum(numerator) as numerator,
                sum(denominator) as denominator,
                sum(n_included) as n_included,
                sum(n_excluded) as n_excluded,
                sum(n_unknown) as n_unknown,
                max(month_start) < {{ current_month() }} as is_over
            from cells
            where
                coalesce(counts_in, '{{ grains | join(" ") }}') like '%{{ grain }}%'
                {%- if grain == "week" %} and week_start is not null
                {%- else %}
                    {%- if grain != "all" %} and month_start is not null
                    {%- endif %}
                    and (
                        coalesce(state, '') <> 'end'
                        or {{ kpi_month_counts("month_start", grain, true) }}
                    )
                {%- endif %}
            group by
                metric,
                variant,
                dimension,
                dimension_key{{ ', ' ~ start if grain != 'all' }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    judged as (
        select
            by_period.*,
            variants.kind,
            variants.least_denominator,
            -- What is not known is not 0, and a part of a past state looks like the whole.
            (variants.kind = 'sum' and by_period.n_included = 0 and by_period.n_unknown > 0)
            or (
                case
                    variants.state
                    when 'beginning'
                    then true
                    when 'end'
                    then by_period.is_over or {{ is_look_back() }}
                    when 'now'
                    then {{ is_look_back() }}
                    else false
                end
                and {{
                    is_too_unknown(
                        "by_period.n_unknown", "by_period.n_included + by_period.n_excluded"
                    )
                }}
            ) as is_unknown
        from by_period
        inner join
            variants on by_period.metric = variants.metric and by_period.variant = variants.variant
    ),

    sums as (
        select
            metric,
            variant,
            kind,
            {{ cell | join(", ") }},
            case when not is_unknown then coalesce(numerator, 0) end as numerator,
            case
                when kind <> 'sum' then greatest(coalesce(denominator, 0), least_denominator)
            end as denominator,
            n_included,
            n_excluded
        from judged
    ),

    quotients as (
        select
            metric,
            variant,
            {{ cell | join(", ") }},
            case
                kind
                when 'sum'
                then cast(numerator as {{ double_type() }})
                else {{ ratio("numerator", "denominator") }}
            end as value,
            cast(numerator as {{ numeric_type() }}) as numerator,
            cast(denominator as {{ numeric_type() }}) as denominator,
            n_included,
            n_excluded
        from sums
        where kind <> 'product'
    ),

    products as (
        {%- for product in products %}
            select
                sums.metric,
                sums.variant,
                {%- for name in cell %} sums.{{ name }}, {%- endfor %}
                {{ product.numerator }} as numerator,
                {{ product.denominator }} as denominator,
                sums.n_included,
                sums.n_excluded
            from sums
            {%- for factor in product.of %}
                left join
                    quotients as {{ factor }}
                    on {{ factor }}.metric = '{{ factor }}'
                    and {{ factor }}.variant = 'default'
                    and sums.period_grain = {{ factor }}.period_grain
                    and coalesce(sums.period_start, date '0001-01-01')
                    = coalesce({{ factor }}.period_start, date '0001-01-01')
                    and sums.dimension = {{ factor }}.dimension
                    and sums.dimension_key = {{ factor }}.dimension_key
            {%- endfor %}
            where
                sums.metric = '{{ product.metric }}' and sums.variant = '{{ product.variant }}'
                {{ 'union all' if not loop.last }}
        {%- else %}select * from sums where false
        {%- endfor %}
    ),

    valued as (
        select *
        from quotients

        union all

        select
            metric,
            variant,
            {{ cell | join(", ") }},
            value,
            null as numerator,
            null as denominator,
            n_included,
            n_excluded
        from {{ ref("kpi_medians") }}

        union all

        select
            metric,
            variant,
            {{ cell | join(", ") }},
            {{ ratio("numerator", "denominator") }} as value,
            case when denominator is null then 0 else coalesce(numerator, 0) end as numerator,
            case when numerator is null then 0 else coalesce(denominator, 0) end as denominator,
            n_included,
            n_excluded
        from products
    ),

    labels as (select * from {{ ref("int_dimension_labels") }})

select
    valued.metric,
    valued.variant,
    variants.unit,
    cast(valued.period_grain as {{ dbt.type_string() }}) as period_grain,
    valued.period_start,
    cast(valued.dimension as {{ dbt.type_string() }}) as dimension,
    valued.dimension_key,
    coalesce(labels.dimension_label, valued.dimension_key) as dimension_label,
    cast(valued.value as {{ double_type() }}) as value,
    cast(valued.numerator as {{ numeric_type() }}) as numerator,
    cast(valued.denominator as {{ numeric_type() }}) as denominator,
    cast(valued.n_included as bigint) as n_included,
    cast(valued.n_excluded as bigint) as n_excluded,
    {{ as_of() }} as as_of,
    {{ run_id() }} as run_id
from valued
inner join variants on valued.metric = variants.metric and valued.variant = variants.variant
left join
    labels on valued.dimension = labels.dimension and valued.dimension_key = labels.dimension_key
