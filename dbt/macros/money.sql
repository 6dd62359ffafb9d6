{#- The rate from a currency to the company's, from a join with int_fx_rates__daily. -#}
{% macro fx_rate(currency, rates) -%}
    case when {{ currency }} = '{{ var("currency") }}' then 1 else {{ rates }}.rate end
{%- endmacro %}

{#- A native amount in the company's currency, rounded half up to cents; NULL without a rate. -#}
{% macro reporting_amount(amount, rate) -%}
    cast(
        round(
            cast({{ amount }} as numeric(24, 6)) * cast({{ rate }} as numeric(24, 10)), 2
        ) as {{ numeric_type() }}
    )
{%- endmacro %}
