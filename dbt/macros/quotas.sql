{#- The part of a quota that falls on a number of the days of its period. -#}
{% macro share_of_quota(days) -%}
    cast(
        cast(reporting_amount as {{ double_type() }})
        * {{ days }}
        / days_in_period as {{ numeric_type() }}
    )
{%- endmacro %}
