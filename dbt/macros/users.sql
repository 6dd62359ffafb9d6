{#-
    The versions of the records of a raw table as intervals: `source_instance`, `source_id`,
    `is_deleted`, the `columns`, `valid_from`, `valid_to` (UTC; from the beginning to the end of
    time). `id` is the column that says whom a version is about.

    A version is of the moment at which the source says it changed the record, else of its load.
    Where even the first load came after the run's moment, exports describe an earlier time: a later
    one corrects them, and its load tells no moment. A version that is not later than the one before
    it is such a correction, too: it holds from where that one did. The first version holds from the
    beginning; a version of a moment after the run's does not exist, unless it is the first.
-#}
{% macro version_intervals(source_type, table, columns, id="source_id") -%}
    select
        source_instance,
        source_id,
        is_deleted,
        {%- for column in columns %} {{ column }}, {%- endfor %}
        case when step = 0 then {{ beginning_of_time() }} else step_at end as valid_from,
        coalesce(
            lead(step_at) over (partition by source_instance, source_id order by step),
            {{ end_of_time() }}
        ) as valid_to
    from
        (
            select
                *,
                min(seen_at) over (partition by source_instance, source_id, step) as step_at,
                row_number() over (
                    partition by source_instance, source_id, step
                    order by load_number desc, source_row desc
                ) as choice
            from
                (
                    select
                        *,
                        sum(case when seen_at > seen_before then 1 else 0 end) over (
                            partition by source_instance, source_id
                            order by load_number, source_row
                            rows between unbounded preceding and current row
                        ) as step
                    from
                        (
                            select
                                *,
                                max(seen_at) over (
                                    partition by source_instance, source_id
                                    order by load_number, source_row
                                    rows between unbounded preceding and 1 preceding
                                ) as seen_before
                            from
                                (
                                    select
                                        source_instance,
                                        {{ id }} as source_id,
                                        coalesce(is_deleted, false) as is_deleted,
                                        {%- for column in columns %} {{ column }}, {%- endfor %}
                                        load_number,
                                        source_row,
                                        coalesce(
                                            source_updated_at,
                                            case
                                                when
                                                    min(loaded_at) over (
                                                        partition by source_instance
                                                    )
                                                    <= {{ as_of() }}
                                                then loaded_at
                                            end
                                        ) as seen_at,
                                        row_number() over (
                                            partition by source_instance, {{ id }}
                                            order by load_number, source_row
                                        ) as nth
                                    from {{ known_versions(source_type, table) }}
                                    where {{ id }} is not null
                                ) as seen
                            where nth = 1 or seen_at is null or seen_at <= {{ as_of() }}
                        ) as compared
                ) as stepped
        ) as chosen
    where choice = 1
{%- endmacro %}

{#- Whether a version of a user is that of a moment (UTC), or of a day (that of its end). -#}
{% macro is_version_at(versions, moment) -%}
    {{ versions }}.valid_from <= {{ moment }} and {{ versions }}.valid_to > {{ moment }}
{%- endmacro %}

{% macro is_version_on(versions, day) -%}
    {{ versions }}.first_day <= {{ day }} and {{ versions }}.next_day > {{ day }}
{%- endmacro %}

{#- How a rep or a manager is called in what is published. -#}
{% macro person(name, id) -%} {{ name if var("reps") == "names" else id }} {%- endmacro %}

{#- Whether names of what is pointed at are never published: of contacts, and of reps that are ids. -#}
{% macro is_withheld_name(target) -%}
    {{ target }} in ('contacts' {%- if var("reps") == "ids" %}, 'users' {%- endif %})
{%- endmacro %}
