{#- A UTC moment on the clocks of the company's time zone. -#}
{% macro local_time(moment) -%}
    {%- if var("timezone") == "UTC" -%} ({{ moment }})
    {%- else -%} (({{ moment }}) at time zone 'UTC' at time zone '{{ var("timezone") }}')
    {%- endif -%}
{%- endmacro %}

{#- The day, in the company's time zone, of a UTC moment. -#}
{% macro local_day(moment) -%} cast({{ local_time(moment) }} as date) {%- endmacro %}

{#- The UTC moment of a time on the clocks of the company's time zone. -#}
{% macro utc_moment(time) -%}
    (cast({{ time }} as timestamp) at time zone '{{ var("timezone") }}' at time zone 'UTC')
{%- endmacro %}

{#- The UTC moment at which a day begins in the company's time zone. -#}
{% macro day_start(day) -%} {{ utc_moment(day) }} {%- endmacro %}

{#- Whether a UTC moment is a bare day: a midnight of the company's time zone. -#}
{% macro is_bare_day(moment, local=none) -%}
    {{ moment }} = {{ day_start("cast(" ~ (local or local_time(moment)) ~ " as date)") }}
{%- endmacro %}

{#- A UTC moment; of a bare day its last instant. -#}
{% macro last_instant(moment) -%}
    case when {{ is_bare_day(moment) }} then {{ day_end(local_day(moment)) }} else {{ moment }} end
{%- endmacro %}

{#-
    Days from one UTC moment to another.

    Elapsed time, with fractions, except where a moment is a bare day, or as `is_bare` says. Then it is the difference of two dates, also across a change of
    the clocks. Where the local times are columns already, name them: converting is what costs.
-#}
{% macro days_between(first, last, local_first=none, local_last=none, is_bare="false") -%}
    {%- set local_first = local_first or local_time(first) -%}
    {%- set local_last = local_last or local_time(last) -%}
    case
        when
            {{ is_bare }}
            or {{ is_bare_day(first, local_first) }}
            or {{ is_bare_day(last, local_last) }}
        then cast({{ dbt.datediff(local_first, local_last, "day") }} as {{ numeric_type() }})
        else
            cast(
                {{ microseconds_between(first, last) }}
                / cast(86400000000 as {{ double_type() }}) as {{ numeric_type() }}
            )
    end
{%- endmacro %}

{#- Elapsed hours, with fractions, from one UTC moment to another. -#}
{% macro hours_between(first, last) -%}
    cast(
        {{ microseconds_between(first, last) }}
        / cast(3600000000 as {{ double_type() }}) as {{ numeric_type() }}
    )
{%- endmacro %}

{% macro microseconds_between(first, last) -%}
    {{ return(adapter.dispatch("microseconds_between", "salesops")(first, last)) }}
{%- endmacro %}

{% macro default__microseconds_between(first, last) -%}
    (extract(epoch from ({{ last }}) - ({{ first }})) * 1000000)
{%- endmacro %}

{% macro duckdb__microseconds_between(first, last) -%}
    (epoch_us({{ last }}) - epoch_us({{ first }}))
{%- endmacro %}

{#- First day of the month of a date. -#}
{% macro month_start(day) -%} cast({{ dbt.date_trunc("month", day) }} as date) {%- endmacro %}

{#- First day of the fiscal period (month, quarter, year) in which a month lies. -#}
{% macro fiscal_period_start(month, grain) -%}
    {%- set offset = (13 - var("fiscal_year_start_month")) % 12 -%}
    {%- if grain == "month" or offset == 0 -%} cast({{ dbt.date_trunc(grain, month) }} as date)
    {%- else -%}
        cast(
            {{
                dbt.dateadd(
                    "month", -offset, dbt.date_trunc(grain, dbt.dateadd("month", offset, month))
                )
            }} as date
        )
    {%- endif -%}
{%- endmacro %}

{#- The fiscal year of a month: the calendar year in which it ends. -#}
{% macro fiscal_year(month) -%}
    cast(
        extract(
            year from {{ dbt.dateadd("month", (13 - var("fiscal_year_start_month")) % 12, month) }}
        ) as integer
    )
{%- endmacro %}

{#- The last working day, Monday to Friday, before a day. -#}
{% macro last_working_day(day) -%}
    cast(
        {{
            dbt.dateadd(
                "day",
                "case extract(isodow from " ~ day ~ ") when 1 then -3 when 7 then -2 else -1 end",
                day,
            )
        }} as date
    )
{%- endmacro %}

{#- The last microsecond of a day of the company's time zone, as a UTC moment. -#}
{% macro day_end(day) -%}
    ({{ day_start(dbt.dateadd("day", 1, day)) }} - interval '1 microsecond')
{%- endmacro %}

{#- Moments before and after all others. -#}
{% macro beginning_of_time() -%} cast('0001-01-01' as timestamp) {%- endmacro %}

{% macro end_of_time() -%} cast('9999-12-31' as timestamp) {%- endmacro %}

{#- Which moments and days of a row have passed as of the run's moment, as text. -#}
{% macro passed(row, moments) -%}
    concat(
        {%- for moment in moments %}
            cast({{ row }}.{{ moment }} <= {{ as_of() }} as {{ dbt.type_string() }}),
            '|'{{ ', ' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
