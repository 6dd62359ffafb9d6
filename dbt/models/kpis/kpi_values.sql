{% for metric in kpi_metrics() %}
    select * from {{ ref("kpi_" ~ metric) }} {{ 'union all' if not loop.last }}
{%- endfor %}
