{#- The models by which a won deal's amount is shared among its touches. -#}
{% macro attribution_models() -%}
    {{ return(["first", "last", "linear", "position"]) }}
{%- endmacro %}

{#-
    The share of the first `nth` of `n` touches, from none to all of them, to twelve decimals: the
    parts between are then exact, and the whole is 1.

    `position` gives the first and the last touch 40% each and those between them 20% together; two
    touches have half each.
-#}
{% macro attributed_share(model, nth, n) -%}
    cast(
        case
            when {{ nth }} = 0
            then 0
            when {{ nth }} = {{ n }}
            then 1
            {%- if model == "first" %} else 1
            {%- elif model == "last" %} else 0
            {%- elif model == "linear" %} else cast({{ nth }} as {{ double_type() }}) / {{ n }}
            {%- else %}
                when {{ n }} = 2
                then 0.5
                else 0.4 + cast(0.2 * ({{ nth }} - 1) as {{ double_type() }}) / ({{ n }} - 2)
            {%- endif %}
        end as {{ share_type() }}
    )
{%- endmacro %}
