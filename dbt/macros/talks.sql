{#-
    What people are talked with about, by metric: the shares that are set beside peers', with the
    variant, what they are of and what of it; and the numbers whose months are, with their words.
-#}
{% macro talk_shares() -%}
    {{
        return(
            {
                "win_rate": ("default", "deals closed", "were won"),
                "lead_conversion_rate": ("to_opportunity", "leads", "became opportunities"),
                "lead_response_hours": ("within_24h", "leads", "were answered within 24 hours"),
                "inquiry_response_hours": (
                    "within_24h",
                    "inquiries",
                    "were answered within 24 hours",
                ),
                "slippage_rate": ("default", "deals due in their month", "were not closed in it"),
            }
        )
    }}
{%- endmacro %}

{% macro talk_levels() -%}
    {{
        return(
            {
                "revenue_won": "revenue won",
                "pipeline_created": "pipeline created",
                "activities": "activities",
                "average_deal_size": "average deal size",
                "sales_cycle_days": "days from first contact to win",
                "follow_up_gap_days": "days between follow-ups",
            }
        )
    }}
{%- endmacro %}

{#- The months that a talk looks back on, its own among them. -#}
{% macro talk_window() -%} 6 {%- endmacro %}

{#- The first month of which there are talks. -#}
{% macro first_talk_month() -%}
    cast({{ dbt.dateadd("month", -11, current_month()) }} as date)
{%- endmacro %}

{#-
    The chance that Student's t with 1 to 10 degrees of freedom is beyond t: finite series in the
    angle whose tangent is t / sqrt(degrees). M. Abramowitz, I. A. Stegun, Handbook of Mathematical
    Functions (1964), 26.7.3 and 26.7.4.
-#}
{% macro student_tail(t, degrees) -%}
    {%- set root = "sqrt(cast(" ~ degrees ~ " as " ~ double_type() ~ "))" -%}
    {%- set angle = "atan((" ~ t ~ ") / " ~ root ~ ")" -%}
    case
        {{ degrees }}
        {%- for known in range(1, 11) %}
            when {{ known }}
            then
                {%- if known % 2 %}
                    0.5 - ({{ angle }}{{ student_series(angle, known) }}) / 3.141592653589793
                {%- else %} 0.5 - ({{ student_series(angle, known) }}) / 2
                {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}

{% macro student_series(angle, degrees) -%}
    {%- set is_odd = degrees % 2 == 1 -%}
    {%- set factor = namespace(value=1.0) -%}
    {%- for term in range(degrees // 2) -%}
        {%- if term > 0 -%}
            {%- set up = 2 * term if is_odd else 2 * term - 1 -%}
            {%- set factor.value = factor.value * up / (up + 1) -%}
        {%- endif -%}
        {{ " + " if is_odd or term > 0 }}{{ factor.value }}
        * sin({{ angle }})
        * power(cos({{ angle }}), {{ 2 * term + (1 if is_odd else 0) }})
    {%- endfor -%}
{%- endmacro %}

{#- A share as whole percent, and a number as people say it: whole from ten on. -#}
{% macro whole_percent(share) -%}
    cast(
        cast(
            round(cast(100 * {{ share }} as {{ numeric_type() }})) as integer
        ) as {{ dbt.type_string() }}
    )
    || '%'
{%- endmacro %}

{% macro told_number(number) -%}
    case
        when abs({{ number }}) < 9.95
        then cast(cast({{ number }} as numeric(28, 1)) as {{ dbt.type_string() }})
        else {{ told_whole(number) }}
    end
{%- endmacro %}

{#- How many records behind a topic are named. -#}
{% macro talk_keys() -%} 20 {%- endmacro %}

{#- A number as a whole one. As a double, a half would be rounded in two ways by two engines. -#}
{% macro told_whole(number) -%}
    {{ grouped("cast(" ~ number ~ " as " ~ numeric_type() ~ ")") }}
{%- endmacro %}
