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
    The entities whose records ad platforms give, by ids that are unique in the world, and other
    sources name though they have such records of their own: of a campaign's leads and touches a CRM
    tells, which has campaigns, too.
-#}
{% macro entities_of_ad_platforms() -%} {{ return(["campaigns"]) }} {%- endmacro %}

{#-
    In a CTE: the records of `targets` that those of `referring` may name by an id: of their own
    source or, where that has no such records, of any other. By `from_instance` and `record_id`,
    their `key`; of the same id in several other sources, the first by key.

    Of an entity that ad platforms give, a record that the own source does not have may be one of
    theirs, and of no other source that numbers its own.

    Sources are grouped, as DuckDB then knows that they are few, and joins the records the right way
    around: of what is distinct it expects as many as there are rows.
-#}
{% macro in_reach(referring, targets, key, id="source_id") -%}
    {%- set found = namespace(in_platforms=false) -%}
    {%- for entity in entities_of_ad_platforms() if contract()[entity].key == key -%}
        {%- set found.in_platforms = true -%}
    {%- endfor -%}
    select
        reach.from_instance,
        {{ targets }}.{{ id }} as record_id,
        {%- if found.in_platforms %}
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
            from (select source_instance from {{ referring }} group by source_instance) as referring
            cross join
                (
                    select source_instance{{ ", source_system" if found.in_platforms }}
                    from {{ targets }}
                    group by source_instance{{ ", source_system" if found.in_platforms }}
                ) as own
            where
                referring.source_instance = own.source_instance
                or referring.source_instance not in (select source_instance from {{ targets }})
                {%- if found.in_platforms %}
                    or own.source_system in ('{{ ad_platforms() | join("', '") }}')
                {%- endif %}
        ) as reach
        on {{ targets }}.source_instance = reach.to_instance
    group by reach.from_instance, {{ targets }}.{{ id }}
{%- endmacro %}
