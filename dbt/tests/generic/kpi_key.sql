{#- One row per metric, variant, period and cut. -#}
{% test kpi_key(model) %}
    select metric, variant, period_grain, period_start, dimension, dimension_key, count(*) as times
    from {{ model }}
    group by metric, variant, period_grain, period_start, dimension, dimension_key
    having count(*) > 1
{% endtest %}
