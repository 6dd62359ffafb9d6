{#- A currency's ISO 4217 code, however a source writes it: in capitals, without blanks. -#}
{% macro currency_code(code) -%} nullif(upper(trim({{ code }})), '') {%- endmacro %}

{#- The rate from a currency to the company's, from a join with int_fx_rates__daily. -#}
{% macro fx_rate(currency, rates) -%}
    case when {{ currency }} = '{{ var("currency") }}' then 1 else {{ rates }}.rate end
{%- endmacro %}

{#- Why an amount does not count: there is none, or no rate for it; NULL where it counts. -#}
{% macro amount_exclusion(native, amount) -%}
    case
        when {{ amount }} is not null
        then null
        when {{ native }} is null
        then 'no_amount'
        else 'no_rate'
    end
{%- endmacro %}

{#-
    A native amount in the company's currency: 0 where there is none, NULL where there is no rate for
    it.
-#}
{% macro held_amount(amount, rate) -%}
    case when {{ amount }} is null then 0 else {{ reporting_amount(amount, rate) }} end
{%- endmacro %}

{#- A sum of amounts that is NULL, not a part of itself, where one of them is. -#}
{% macro whole_sum(amount) -%}
    case when count(*) = count({{ amount }}) then sum({{ amount }}) end
{%- endmacro %}

{#- A native amount in the company's currency, rounded half up to cents; NULL without a rate. -#}
{% macro reporting_amount(amount, rate) -%}
    cast({{ to_cents(amount, rate) }} as {{ numeric_type() }})
{%- endmacro %}

{#- A sum over failing records, `unknown` of them without money; NULL where that is all of them. -#}
{% macro known_money(money, failing, unknown) -%}
    case when {{ failing }} = 0 or {{ unknown }} < {{ failing }} then coalesce({{ money }}, 0) end
{%- endmacro %}

{#-
    The rate back, with at least twelve digits and no more decimals than the fifteen digits on which
    engines agree.
-#}
{% macro inverse_rate(rate) -%}
    {%- set quotient = "(cast(1 as " ~ double_type() ~ ") / " ~ rate ~ ")" -%}
    case
        when {{ rate }} > 100
        then cast({{ quotient }} as {{ rate_type() }})
        when {{ rate }} > 0.1
        then cast(cast({{ quotient }} as numeric(38, 14)) as {{ rate_type() }})
        else cast(cast({{ quotient }} as numeric(38, 10)) as {{ rate_type() }})
    end
{%- endmacro %}
