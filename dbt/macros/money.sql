{#- The rate from a currency to the company's, from a join with int_fx_rates__daily. -#}
{% macro fx_rate(currency, rates) -%}
    case when {{ currency }} = '{{ var("currency") }}' then 1 else {{ rates }}.rate end
{%- endmacro %}

{#- A native amount in the company's currency, rounded half up to cents; NULL without a rate. -#}
{% macro reporting_amount(amount, rate) -%}
    cast({{ to_cents(amount, rate) }} as {{ numeric_type() }})
{%- endmacro %}
