{#- The entities whose records anything may point at. -#}
{% macro referenced_entities() -%}
    {%- set found = [] -%}
    {%- for spec in contract().values() -%}
        {%- for target in spec.references.values() if target in contract() -%}
            {%- do found.append(target) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found | unique | sort) }}
{%- endmacro %}

{#- A text with the blanks around it taken away, and those within it single. -#}
{% macro without_blanks(text) -%}
    trim(regexp_replace(replace({{ text }}, chr(160), ' '), '\s+', ' ', 'g'))
{%- endmacro %}

{#-
    A text without what systems add to the ids and names that they export: case, blanks, accents in
    whatever spelling, leading zeros, the `.0` of a number that was a column of floats.
-#}
{% macro loosely(text) -%}
    nullif(
        ltrim(
            regexp_replace(
                regexp_replace(
                    translate(
                        replace(lower({{ composed(without_blanks(text)) }}), 'ß', 'ss'),
                        'äöüáàâãåéèêëíìîïóòôõøúùûñç',
                        'aouaaaaaeeeeiiiiooooouuunc'
                    ),
                    '([aou])e',
                    '\1',
                    'g'
                ),
                '\.0+$',
                ''
            ),
            '0'
        ),
        ''
    )
{%- endmacro %}

{#- A share as text: 12.9%. -#}
{% macro percent(share) -%}
    cast(cast(100 * {{ share }} as numeric(28, 1)) as {{ dbt.type_string() }}) || '%'
{%- endmacro %}
