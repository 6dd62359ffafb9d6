{#-
    What a table claims of its rows, all in one query. Each row of the answer breaks a claim: which
    one, of which columns, what is in them, and how many times.

    key: a column that is never NULL and never twice.
    unique: lists of columns; no two rows share all of a list.
    given: columns that are never NULL.
    one_of: by column, the values that it may have besides NULL.
    found_in: by column, the model in whose column of that name each value is, NULL apart.
-#}
{% test claims(model, key=none, unique=[], given=[], one_of={}, found_in={}) %}
    {%- set claims = [] -%}
    {%- if key -%}
        {%- do claims.append(("key", [key], "true", "count(*) > 1 or " ~ key ~ " is null")) -%}
    {%- endif -%}
    {%- for columns in unique -%}
        {%- do claims.append(("unique", columns, "true", "count(*) > 1")) -%}
    {%- endfor -%}
    {%- for column in given -%}
        {%- do claims.append(("given", [column], column ~ " is null", "true")) -%}
    {%- endfor -%}
    {%- for column, values in one_of.items() -%}
        {%- set others = column ~ " not in ('" ~ values | join("', '") ~ "')" -%}
        {%- do claims.append(("one_of", [column], others, "true")) -%}
    {%- endfor -%}
    {%- for column, target in found_in.items() -%}
        {%- set known = "select t." ~ column ~ " from " ~ target ~ " as t" -%}
        {%- set known = known ~ " where t." ~ column ~ " is not null" -%}
        {#- Of nothing at all, NULL is not in it. #}
        {%- set lost = column ~ " is not null and " ~ column ~ " not in (" ~ known ~ ")" -%}
        {%- do claims.append(("found_in", [column], lost, "true")) -%}
    {%- endfor -%}

    {%- for claim, columns, where, having in claims %}
        select
            '{{ claim }}' as claim,
            '{{ columns | join(", ") }}' as about,
            {%- for column in columns %}
                coalesce(cast({{ column }} as {{ dbt.type_string() }}), 'NULL')
                {{- " || ', ' ||" if not loop.last }}
            {%- endfor %} as found,
            count(*) as times
        from {{ model }}
        where {{ where }}
        group by {{ columns | join(", ") }}
        having {{ having }} {{ "union all" if not loop.last }}
    {%- endfor %}
{% endtest %}
