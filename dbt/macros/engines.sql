{#- Whatever is said differently by DuckDB and PostgreSQL, one dispatched macro each. -#}
{% macro numeric_type() -%} numeric(38, 6) {%- endmacro %}

{#- Of rates: twelve digits of one millionth, too. -#}
{% macro rate_type() -%} numeric(38, 17) {%- endmacro %}

{#- Of shares that add up to 1. -#}
{% macro share_type() -%} numeric(38, 12) {%- endmacro %}

{% macro double_type() -%} double precision {%- endmacro %}

{#- The median of an expression, interpolated, as a double. -#}
{% macro median(expression) -%}
    {{ return(adapter.dispatch("median", "salesops")(expression)) }}
{%- endmacro %}

{% macro default__median(expression) -%}
    percentile_cont(0.5) within group (order by cast({{ expression }} as double precision))
{%- endmacro %}

{% macro duckdb__median(expression) -%} median(cast({{ expression }} as double)) {%- endmacro %}

{#- A quantile of an expression (fraction from 0 to 1), interpolated, as a double. -#}
{% macro quantile(expression, fraction) -%}
    {{ return(adapter.dispatch("quantile", "salesops")(expression, fraction)) }}
{%- endmacro %}

{% macro default__quantile(expression, fraction) -%}
    percentile_cont({{ fraction }}) within group (
        order by cast({{ expression }} as double precision)
    )
{%- endmacro %}

{% macro duckdb__quantile(expression, fraction) -%}
    quantile_cont(cast({{ expression }} as double), {{ fraction }})
{%- endmacro %}

{#- In a select list: one row per step (day, month …) from a first to a last one, both in it. -#}
{% macro each(step, first, last) -%}
    {{ return(adapter.dispatch("each", "salesops")(step, first, last)) }}
{%- endmacro %}

{% macro default__each(step, first, last) -%}
    cast(
        generate_series(
            cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 {{ step }}'
        ) as date
    )
{%- endmacro %}

{% macro duckdb__each(step, first, last) -%}
    cast(
        unnest(
            generate_series(
                cast({{ first }} as timestamp),
                cast({{ last }} as timestamp),
                interval '1 {{ step }}'
            )
        ) as date
    )
{%- endmacro %}

{#- In a select list: one row per whole number from a first to a last one, both in it. -#}
{% macro each_number(first, last) -%}
    {{ return(adapter.dispatch("each_number", "salesops")(first, last)) }}
{%- endmacro %}

{% macro default__each_number(first, last) -%}
    generate_series(cast({{ first }} as bigint), cast({{ last }} as bigint))
{%- endmacro %}

{% macro duckdb__each_number(first, last) -%}
    unnest(generate_series(cast({{ first }} as bigint), cast({{ last }} as bigint)))
{%- endmacro %}

{#- The last value so far that is not NULL, within a partition and an order. -#}
{% macro last_known(expression, partition_by, order_by) -%}
    {{ return(adapter.dispatch("last_known", "salesops")(expression, partition_by, order_by)) }}
{%- endmacro %}

{% macro default__last_known(expression, partition_by, order_by) -%}
    (
        array_remove(
            array_agg({{ expression }}) over (
                partition by {{ partition_by }}
                order by {{ order_by }}
                rows between unbounded preceding and current row
            ),
            null
        )
    )[
        count({{ expression }}) over (
            partition by {{ partition_by }}
            order by {{ order_by }}
            rows between unbounded preceding and current row
        )
    ]
{%- endmacro %}

{% macro duckdb__last_known(expression, partition_by, order_by) -%}
    last_value({{ expression }} ignore nulls) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}

{#-
    An amount of money from its text, NULL where it is none. DuckDB reads text into wide decimals a
    hundred times slower; into those of 64 bits it loses what a number with an exponent has of more
    than 18 digits.
-#}
{% macro money_from_text(text) -%}
    {{ return(adapter.dispatch("money_from_text", "salesops")(text)) }}
{%- endmacro %}

{% macro default__money_from_text(text) -%}
    case
        when
            {{ text }}
            ~ '^\s*[+-]?(\d{1,22}(\.\d*)?|\.\d+|\d{1,3}(\.\d*)?[eE](\+?1?\d|-\d{1,2}))\s*$'
        then cast({{ text }} as {{ type_of("money") }})
    end
{%- endmacro %}

{% macro duckdb__money_from_text(text) -%}
    coalesce(
        case
            when length({{ text }}) <= 18 or {{ text }} not ilike '%e%'
            then cast(try_cast({{ text }} as numeric(18, 6)) as {{ type_of("money") }})
        end,
        try_cast({{ text }} as {{ type_of("money") }})
    )
{%- endmacro %}

{#- A day, or that of a moment, from its text, NULL where it is none. -#}
{% macro date_from_text(text) -%}
    {{ return(adapter.dispatch("date_from_text", "salesops")(text)) }}
{%- endmacro %}

{% macro default__date_from_text(text) -%}
    case
        when {{ text }} !~ '^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ].*)?$'
        then null
        when
            cast(substr({{ text }}, 9, 2) as integer) <= extract(
                day
                from
                    cast(substr({{ text }}, 1, 8) || '01' as date)
                    + interval '1 month'
                    - interval '1 day'
            )
        then cast(substr({{ text }}, 1, 10) as date)
    end
{%- endmacro %}

{% macro duckdb__date_from_text(text) -%} try_cast({{ text }} as date) {%- endmacro %}

{#- A moment in UTC from its text, NULL where it is none. -#}
{% macro moment_from_text(text) -%}
    {{ return(adapter.dispatch("moment_from_text", "salesops")(text)) }}
{%- endmacro %}

{% macro default__moment_from_text(text) -%}
    case
        when
            {{ salesops.default__date_from_text(text) }} is not null
            and substr({{ text }}, 11) ~ '^([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?Z?)?$'
        then cast({{ text }} as timestamp)
    end
{%- endmacro %}

{% macro duckdb__moment_from_text(text) -%} try_cast({{ text }} as timestamp) {%- endmacro %}

{#-
    An amount times a rate, rounded half up to cents. DuckDB rounds wide decimals ten times slower
    than doubles: where the double is far enough from half a cent, it is rounded to the same cent.
-#}
{% macro to_cents(amount, rate) -%}
    {{ return(adapter.dispatch("to_cents", "salesops")(amount, rate)) }}
{%- endmacro %}

{% macro default__to_cents(amount, rate) -%}
    round(cast({{ amount }} as numeric(24, 6)) * cast({{ rate }} as {{ rate_type() }}), 2)
{%- endmacro %}

{% macro duckdb__to_cents(amount, rate) -%}
    {%- set product = "cast(" ~ amount ~ " as double) * cast(" ~ rate ~ " as double)" -%}
    case
        when
            abs({{ product }}) < 1e10
            and abs({{ product }} * 100 - floor({{ product }} * 100) - 0.5) > 0.01
        then cast({{ product }} as numeric(18, 2))
        else {{ salesops.default__to_cents(amount, rate) }}
    end
{%- endmacro %}

{#- A text with each of its letters written in one way, however its accents came. -#}
{% macro composed(text) -%}
    {{ return(adapter.dispatch("composed", "salesops")(text)) }}
{%- endmacro %}

{% macro default__composed(text) -%} normalize({{ text }}, nfc) {%- endmacro %}

{% macro duckdb__composed(text) -%} nfc_normalize({{ text }}) {%- endmacro %}

{#- A text to order by as its bytes are, whatever the engine's language. -#}
{% macro by_bytes(text) -%}
    {{ return(adapter.dispatch("by_bytes", "salesops")(text)) }}
{%- endmacro %}

{% macro default__by_bytes(text) -%} {{ text }} collate "C" {%- endmacro %}

{% macro duckdb__by_bytes(text) -%} {{ text }} {%- endmacro %}

{#- A number as text, rounded, its thousands grouped: 1,234. -#}
{% macro grouped(number) -%}
    {{ return(adapter.dispatch("grouped", "salesops")(number)) }}
{%- endmacro %}

{% macro default__grouped(number) -%}
    to_char(round({{ number }}), 'FM999,999,999,999,999,990')
{%- endmacro %}

{% macro duckdb__grouped(number) -%}
    format('{:,}', cast(round({{ number }}) as bigint))
{%- endmacro %}

{#- The hash of a row or a value, as a number that sums of do not overflow. -#}
{% macro hash_of(value) -%}
    {{ return(adapter.dispatch("hash_of", "salesops")(value)) }}
{%- endmacro %}

{% macro default__hash_of(value) -%}
    cast(hashtextextended(cast({{ value }} as text), 0) as numeric)
{%- endmacro %}

{% macro duckdb__hash_of(value) -%} cast(hash({{ value }}) as hugeint) {%- endmacro %}
