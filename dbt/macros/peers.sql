{#-
    The median of the others: of a sorted sample, leaving one value out. `sample` has the number `n`
    of its values and the three about its middle: `low`, `middle` and `high` are those at n / 2
    (rounded down) and the two places after it. `place` is that of the value that is left out; NULL
    where the one who asks is not in the sample.
-#}
{% macro median_of_others(sample, place) -%}
    {%- set half = "floor(" ~ sample ~ ".n / 2.0)" -%}
    {%- set is_even = "mod(" ~ sample ~ ".n, 2) = 0" -%}
    case
        when {{ place }} is null and {{ is_even }}
        then ({{ sample }}.low + {{ sample }}.middle) / 2
        when {{ place }} is null
        then {{ sample }}.middle
        when {{ is_even }} and {{ place }} > {{ half }}
        then {{ sample }}.low
        when {{ is_even }}
        then {{ sample }}.middle
        when {{ place }} > {{ half }} + 1
        then ({{ sample }}.low + {{ sample }}.middle) / 2
        when {{ place }} > {{ half }}
        then ({{ sample }}.low + {{ sample }}.high) / 2
        else ({{ sample }}.middle + {{ sample }}.high) / 2
    end
{%- endmacro %}

{#- The three values about the middle of samples whose values have a `place` of `n`. -#}
{% macro about_the_middle(value) -%}
    {%- for name in ["low", "middle", "high"] %}
        max(case when place = floor(n / 2.0) + {{ loop.index0 }} then {{ value }} end) as {{ name }}
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#-
    A query of the medians of the others' values: a row per asker (columns of `group`, `rep_id`) that
    has others in its group, with how many records these have (`records`), how many reps they are
    (`reps`), and the `median`. `of` is the table of the peers' records, each with a `rep_id` and a
    value; an asker may have none there.

    In a group, every record has a place in the order of values and reps. Of the others' records the
    k-th comes after those of the asker's own that have fewer than k of the others' before them: where
    these are m, its place is k + m. So a sort of each group finds all its medians, where the records
    of all others beside each asker grow with the square of the company. Records of one rep and one
    value follow each other, so that whatever their order, each has as many of the others' before it
    as the first of them: its rank less its rank among the rep's own.
-#}
{% macro medians_without_own(askers, of, group, value) -%}
    {%- set columns = group | join(", ") -%}
    {%- set asker = group + ["rep_id"] -%}
    {%- set others = asker + ["records", "reps"] -%}
    with
        placed as (
            select
                {{ columns }},
                rep_id,
                {{ value }} as value,
                row_number() over in_order as place,
                rank() over in_order - rank() over (
                    partition by {{ columns }}, rep_id order by {{ value }}
                ) as others_before
            from {{ of }}
            window in_order as (partition by {{ columns }} order by {{ value }}, rep_id)
        ),

        of_reps as (
            select {{ columns }}, rep_id, count(*) as records
            from placed
            group by {{ columns }}, rep_id
        ),

        of_groups as (
            select {{ columns }}, sum(records) as records, count(*) as reps
            from of_reps
            group by {{ columns }}
        ),

        of_others as (
            select
                askers.{{ asker | join(", askers.") }},
                cast(of_groups.records - coalesce(of_reps.records, 0) as bigint) as records,
                of_groups.reps - case when of_reps.rep_id is null then 0 else 1 end as reps
            from {{ askers }} as askers
            inner join of_groups on {{ equal_columns("askers", "of_groups", group) }}
            left join of_reps on {{ equal_columns("askers", "of_reps", asker) }}
        ),

        -- Of an odd number of records both are the same.
        middles as (
            select *, cast(floor((records + 1) / 2.0) as bigint) as k
            from of_others

            union

            select *, cast(floor(records / 2.0) as bigint) + 1 as k
            from of_others
        ),

        middle_places as (
            select
                middles.{{ others | join(", middles.") }}, middles.k + count(placed.place) as place
            from middles
            left join
                placed
                on {{ equal_columns("middles", "placed", asker) }}
                and placed.others_before < middles.k
            group by middles.{{ others | join(", middles.") }}, middles.k
        )

    select
        middle_places.{{ others | join(", middle_places.") }},
        {{ median("placed.value") }} as median
    from middle_places
    inner join placed on {{ equal_columns("middle_places", "placed", group + ["place"]) }}
    group by middle_places.{{ others | join(", middle_places.") }}
{%- endmacro %}

{#- Whether rows of two relations have the same in some columns. -#}
{% macro equal_columns(one, other, columns) -%}
    {%- for column in columns -%}
        {{ " and " if not loop.first }}{{ one }}.{{ column }} = {{ other }}.{{ column }}
    {%- endfor -%}
{%- endmacro %}

{#- Of how few peers there is no median, and no rank. -#}
{% macro are_enough_peers(peers) -%} ({{ peers }} >= 3) {%- endmacro %}

{#- A month as a number, so that the next one is one more. -#}
{% macro month_number(month) -%}
    cast((extract(year from {{ month }}) - 2000) * 12 + extract(month from {{ month }}) as integer)
{%- endmacro %}

{#- A value with its unit, for a sentence: money and counts whole, shares in percent. -#}
{% macro said_value(value, unit) -%}
    case
        when {{ unit }} = 'money'
        then {{ grouped(value) }} || ' {{ var("currency") }}'
        when {{ unit }} = 'ratio'
        then {{ grouped("100 * " ~ value) }} || '%'
        else {{ grouped(value) }}
    end
{%- endmacro %}
