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

{#-
    The entities whose records may be given by another source than those that name them, though their
    source has such records, too: ad platforms give their campaigns, and of a campaign's leads and
    touches a CRM tells, which has campaigns of its own.
-#}
{% macro entities_of_all_sources() -%} {{ return(["campaigns"]) }} {%- endmacro %}

{#-
    In a CTE: the records of `targets` that those of `referring` may name by an id: of their own
    source or, where that has no such records, of any other. By `from_instance` and `record_id`,
    their `key`; of the same id in several other sources, the first by key.

    A record of an entity of all sources is that of the own source where it has the id, else of any
    other.
-#}
{% macro in_reach(referring, targets, key, id="source_id") -%}
    {%- set found = namespace(everywhere=false) -%}
    {%- for entity in entities_of_all_sources() if contract()[entity].key == key -%}
        {%- set found.everywhere = true -%}
    {%- endfor -%}
    select
        reach.from_instance,
        {{ targets }}.{{ id }} as record_id,
        {%- if found.everywhere %}
            coalesce(
                min(
                    case
                        when {{ targets }}.source_instance = reach.from_instance
                        then {{ targets }}.{{ key }}
                    end
                ),
                min({{ targets }}.{{ key }})
            ) as {{ key }}
        {%- else %} min({{ targets }}.{{ key }}) as {{ key }}
        {%- endif %}
    from {{ targets }}
    inner join
        (
            select referring.source_instance as from_instance, own.source_instance as to_instance
            from (select distinct source_instance from {{ referring }}) as referring
            cross join (select distinct source_instance from {{ targets }}) as own
            {%- if not found.everywhere %}
                where
                    referring.source_instance = own.source_instance
                    or referring.source_instance not in (select source_instance from {{ targets }})
            {%- endif %}
        ) as reach
        on {{ targets }}.source_instance = reach.to_instance
    group by reach.from_instance, {{ targets }}.{{ id }}
{%- endmacro %}
