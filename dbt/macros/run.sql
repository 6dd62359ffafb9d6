{#-
    The run's own values. They change with every run, so they come from the environment and are
    read only while executing: a parsed project stays valid from run to run.
-#}
{% macro run_value(name, default) -%}
    {{ env_var(name, default) if execute else default }}
{%- endmacro %}

{#- One of them as SQL that says which it is, so that a statement can be had for another run. -#}
{% macro run_literal(name, default) -%}
    '{{ run_value(name, default) }}'  /* {{ name }} */
{%- endmacro %}

{#- The business moment, UTC: what happened later does not exist. -#}
{% macro as_of() -%}
    cast({{ run_literal("SALESOPS_AS_OF", "9999-12-31 00:00:00") }} as timestamp)
{%- endmacro %}

{#- The company's own `as_of`, UTC: where its data ends; where company.yml has none, never. -#}
{% macro company_as_of() -%}
    cast({{ run_literal("SALESOPS_COMPANY_AS_OF", "9999-12-31 00:00:00") }} as timestamp)
{%- endmacro %}

{#- Whether company.yml has one. Where it has none, planners see that no record can come after it. -#}
{% macro has_as_of() -%}
    ({{ company_as_of() }} < cast('9999-12-31 00:00:00' as timestamp))
{%- endmacro %}

{#- The knowledge moment, UTC: what was loaded later is not known. -#}
{% macro known_at() -%}
    cast({{ run_literal("SALESOPS_KNOWN_AT", "9999-12-31 00:00:00") }} as timestamp)
{%- endmacro %}

{% macro run_id() -%}
    cast({{ run_literal("SALESOPS_RUN_ID", "none") }} as {{ dbt.type_string() }})
{%- endmacro %}

{#- The day by which, in the company's time zone, whatever has ended is over: today at its last moment. -#}
{% macro ended_by_day() -%}
    {{ local_day("(" ~ as_of() ~ " + interval '1 microsecond')") }}
{%- endmacro %}

{#- The day, in the company's time zone, of the business moment. -#}
{% macro as_of_day() -%} {{ local_day(as_of()) }} {%- endmacro %}

{#-
    Whether the run looks back: its moment is of a day before that on which the company's data ends,
    by its own as_of or by what is known. By the comments an increment knows that the answer alone
    matters (dagster_project/run/standing.py).
-#}
{% macro is_look_back() -%}
    (
        /* whether it */
        {{ as_of_day() }} < {{ local_day("least(" ~ company_as_of() ~ ", " ~ known_at() ~ ")") }}  /* looks back */
    )
{%- endmacro %}

{#- Since when changes are told: the beginnings of days, in the company's time zone. -#}
{% macro windows_until_now() -%}
    {%- for since, day in [
        ("yesterday", last_working_day(as_of_day())),
        ("last_week", dbt.dateadd("day", -7, as_of_day())),
        ("month_start", current_month()),
        ("quarter_start", fiscal_period_start(current_month(), "quarter")),
    ] %}
        select
            '{{ since }}' as since,
            {{ day_start(day) }} as since_at
            {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
