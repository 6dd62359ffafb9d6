{#-
    The median of the others: of a sorted sample, leaving one value out. `sample` has the number `n`
    of its values and the three about its middle: `low`, `middle` and `high` are those at n / 2
    (rounded down) and the two places after it. `place` is that of the value that is left out; NULL
    where the one who asks is not in the sample.
-#}
{% macro median_of_others(sample, place) -%}
    {%- set half = "floor(" ~ sample ~ ".n / 2.0)" -%}
    {%- set is_even = "mod(" ~ sample ~ ".n, 2) = 0" -%}
    case
        when {{ place }} is null and {{ is_even }}
        then ({{ sample }}.low + {{ sample }}.middle) / 2
        when {{ place }} is null
        then {{ sample }}.middle
        when {{ is_even }} and {{ place }} > {{ half }}
        then {{ sample }}.low
        when {{ is_even }}
        then {{ sample }}.middle
        when {{ place }} > {{ half }} + 1
        then ({{ sample }}.low + {{ sample }}.middle) / 2
        when {{ place }} > {{ half }}
        then ({{ sample }}.low + {{ sample }}.high) / 2
        else ({{ sample }}.middle + {{ sample }}.high) / 2
    end
{%- endmacro %}

{#- The three values about the middle of samples whose values have a `place` of `n`. -#}
{% macro about_the_middle(value) -%}
    {%- for name in ["low", "middle", "high"] %}
        max(case when place = floor(n / 2.0) + {{ loop.index0 }} then {{ value }} end) as {{ name }}
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Of how few peers there is no median, and no rank. -#}
{% macro are_enough_peers(peers) -%} ({{ peers }} >= 3) {%- endmacro %}

{#- A month as a number, so that the next one is one more. -#}
{% macro month_number(month) -%}
    cast((extract(year from {{ month }}) - 2000) * 12 + extract(month from {{ month }}) as integer)
{%- endmacro %}

{#- A value with its unit, for a sentence: money and counts whole, shares in percent. -#}
{% macro said_value(value, unit) -%}
    case
        when {{ unit }} = 'money'
        then {{ grouped(value) }} || ' {{ var("currency") }}'
        when {{ unit }} = 'ratio'
        then {{ grouped("100 * " ~ value) }} || '%'
        else {{ grouped(value) }}
    end
{%- endmacro %}
