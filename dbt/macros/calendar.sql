{#- The company's days off, with their names: public holidays of its country, and its own. -#}
{% macro days_off() -%}
    select
        cast(date_day as date) as date_day,
        cast(holiday_name as {{ dbt.type_string() }}) as holiday_name
    from
        (
            values
                {%- for day, name in var("holidays").items() %}
                    ('{{ day }}', {{ "'" ~ name | replace("'", "''") ~ "'" }}),
                {%- endfor %} (null, null)
        ) as days_off(date_day, holiday_name)
    where date_day is not null
{%- endmacro %}

{#-
    Working hours from the beginning of dim_date to a moment: `local` is the moment on the company's
    clocks, `day` an alias of dim_date joined by `cast(local as date)`.
-#}
{% macro working_hours_until(day, local) -%}
    {%- set midnight = "cast(cast(" ~ local ~ " as date) as timestamp)" -%}
    {%- set hour = "cast(3600000000 as " ~ double_type() ~ ")" -%}
    (
        {{ day }}.working_hours_before + case
            when {{ day }}.is_working_day
            then
                least(
                    greatest(
                        {{ microseconds_between(midnight, local) }} / {{ hour }}
                        - {{ var("opens") / 60 }},
                        0
                    ),
                    {{ (var("closes") - var("opens")) / 60 }}
                )
            else 0
        end
    )
{%- endmacro %}

{#-
    How much of the working time of the day that is not over yet (`ended_by_day`) has passed at the
    business moment, from 0 to 1: 0 at its first moment.
-#}
{% macro share_of_day_worked() -%}
    {%- set midnight = "cast(" ~ ended_by_day() ~ " as timestamp)" -%}
    least(
        greatest(
            {{ microseconds_between(midnight, local_time(as_of())) }}
            / cast(60000000 as {{ double_type() }})
            - {{ var("opens") }},
            0
        )
        / {{ var("closes") - var("opens") }},
        1
    )
{%- endmacro %}

{#-
    Working hours between two moments on the company's clocks (`local_time` of them), each beside its
    day in dim_date: 0 where both lie in the same night, week-end or holiday. Whatever the clocks do
    while nobody works changes nothing.

        left join dim_date as first_days on cast(first_local as date) = first_days.date_day
        left join dim_date as last_days on cast(last_local as date) = last_days.date_day
-#}
{% macro business_hours_between(first_days, first_local, last_days, last_local) -%}
    (
        {{ working_hours_until(last_days, last_local) }}
        - {{ working_hours_until(first_days, first_local) }}
    )
{%- endmacro %}
