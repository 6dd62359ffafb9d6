{%- set at_month_ends -%}
    select months.month_start, months.ends_on, open_by_day.*
    from ({{ open_by_day() }}) as open_by_day
    inner join {{ ref("int_pipeline_months") }} as months on open_by_day.date_day = months.ends_on
{%- endset -%}
-- int_pipeline_at_month_end at the cost of one row per deal and day, for `make bench`.
{{ pipeline_at_month_ends(at_month_ends) }}
