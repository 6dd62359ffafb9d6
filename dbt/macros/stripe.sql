{#- Money of which a division leaves no trace: with it is computed, six digits of it are kept. -#}
{% macro stripe_money() -%} numeric(38, 12) {%- endmacro %}

{#-
    The latest known versions of the records of a raw table that Stripe has not deleted.
-#}
{% macro stripe_records(table) -%}
    select *
    from ({{ latest_versions("stripe", table) }}) as latest
    where not coalesce(is_deleted, false)
{%- endmacro %}

{#- What an amount that is billed every so many intervals comes to in a month. -#}
{% macro stripe_monthly(amount, interval, interval_count) -%}
    {%- set months = (
        "case "
        ~ interval
        ~ " when 'day' then 365 when 'week' then 52"
        ~ " when 'month' then 12 when 'year' then 1 end"
    ) -%}
    {{ quotient(amount ~ " * (" ~ months ~ ")", "(12 * " ~ interval_count ~ ")") }}
{%- endmacro %}

{#-
    A decimal divided by a whole number, neither below 0, rounded half up to twelve digits. DuckDB
    divides decimals as doubles.
-#}
{% macro quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch("quotient", "salesops")(dividend, divisor)) }}
{%- endmacro %}

{% macro default__quotient(dividend, divisor) -%}
    cast(
        round(
            cast({{ dividend }} as numeric(38, 22)) / {{ divisor }}, 12
        ) as {{ salesops.stripe_money() }}
    )
{%- endmacro %}

{% macro duckdb__quotient(dividend, divisor) -%}
    cast(
        cast(
            divide(
                2 * cast(cast({{ dividend }} as numeric(38, 10)) * 1000000000000 as hugeint)
                + {{ divisor }},
                2 * {{ divisor }}
            ) as numeric(38, 0)
        )
        * 0.000000000001 as {{ salesops.stripe_money() }}
    )
{%- endmacro %}

{#- Whether a status counts by itself: only of these, pauses and what ended are told apart. -#}
{% macro stripe_is_live(status) -%} {{ status }} in ('active', 'past_due'){%- endmacro %}

{#- What of an amount off all items falls on one of them: as much of it as of them it is. -#}
{% macro share_of_discount(remaining, total, amount_off) -%}
    case
        when {{ remaining }} = {{ total }}
        then least({{ remaining }}, {{ amount_off }})
        when {{ amount_off }} >= {{ total }}
        then {{ remaining }}
        else
            cast(
                cast({{ remaining }} as {{ double_type() }})
                * cast({{ amount_off }} as {{ double_type() }})
                / nullif(
                    cast({{ total }} as {{ double_type() }}), 0
                ) as {{ salesops.stripe_money() }}
            )
    end
{%- endmacro %}
