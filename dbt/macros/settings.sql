{#- A word as settings compare it: however it is spelled in capitals, blanks and hyphens. -#}
{% macro as_word(text) -%}
    replace(replace(lower(trim({{ text }})), ' ', '_'), '-', '_')
{%- endmacro %}

{#- What company.yml says of a word, in a setting that has values by word; NULL where nothing. -#}
{% macro said_of(setting, word) -%}
    {%- set said = var(setting) -%}
    {%- if said -%}
        case
            {{ as_word(word) }}
            {%- for known, value in said.items() %}
                when {{ as_word("'" ~ known | replace("'", "''") ~ "'") }} then '{{ value }}'
            {%- endfor %}
        end
    {%- else -%} cast(null as varchar)
    {%- endif -%}
{%- endmacro %}
