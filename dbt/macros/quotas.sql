{#- The part of a quota that falls on the first so many of the days of its period. -#}
{% macro share_of_quota(days) -%}
    cast(
        cast(amount as {{ double_type() }}) * ({{ days }}) / days_in_period as {{ numeric_type() }}
    )
{%- endmacro %}

{#- Whether an owner's quota is the owner's own though somebody reports to them. -#}
{% macro is_personal(owner) -%}
    {%- set owners = var("personal_quotas") | map("string") | map("replace", "'", "''") | list -%}
    {%- if owners -%} {{ owner }} in ('{{ owners | join("', '") }}')
    {%- else -%} false
    {%- endif -%}
{%- endmacro %}
