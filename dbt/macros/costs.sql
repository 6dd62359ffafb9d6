{#- Whether a text has one of some words, whole and in any case, with or without an s at its end. -#}
{% macro has_word(text, words) -%}
    (' ' || regexp_replace(lower({{ text }}), '[^a-z0-9]+', ' ', 'g') || ' ')
    ~ '.* ({{ words | join("|") }})s? .*'
{%- endmacro %}

{#-
    What the costs of a team are for, by the words of its name; NULL where none is known. The first
    that fits holds: Sales Operations is sales.
-#}
{% macro function_of_name(team) -%}
    {%- set words = {
        "marketing": [
            "marketing",
            "growth",
            "demand gen",
            "demand generation",
            "brand",
        ],
        "sales": ["sales", "business development", "sdr", "account"],
        "other": [
            "success",
            "support",
            "service",
            "product",
            "engineering",
            "finance",
            "hr",
            "people",
            "legal",
            "operation",
        ],
    } -%}
    case
        {%- for function, known in words.items() %}
            when {{ has_word(team, known) }} then '{{ function }}'
        {%- endfor %}
    end
{%- endmacro %}
