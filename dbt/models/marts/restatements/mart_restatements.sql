{%- set key = [
    "metric",
    "variant",
    "period_grain",
    "period_start",
    "dimension",
    "dimension_key",
] -%}
{%- set causes = ["late_facts", "corrections", "definition_change", "later_events"] -%}
-- Each number of a period that has ended, as it was first published after the end and as it is now,
-- and the difference between the two: the sum of the steps from version to version, each of which
-- has one cause.
with
    loads as (select load_id from {{ source("history", "_dlt_loads") }} where status = 0),

    publications as (
        select
            publications.run_id,
            publications.as_of,
            publications.known_at,
            row_number() over (order by publications.published_at) as run_number
        from {{ source("history", "publications") }} as publications
        inner join loads on publications._dlt_load_id = loads.load_id
        where publications.as_of <= {{ as_of() }} and publications.known_at <= {{ known_at() }}
    ),

    runs as (
        select run_id, run_number, as_of, known_at, {{ local_day("as_of") }} as as_of_day
        from publications

        union all

        select
            {{ run_id() }} as run_id,
            count(*) + 1 as run_number,
            {{ as_of() }} as as_of,
            {{ known_at() }} as known_at,
            {{ as_of_day() }} as as_of_day
        from publications
    ),

    recorded as (
        select versions.*, runs.run_number
        from {{ source("history", "kpi_versions") }} as versions
        inner join loads on versions._dlt_load_id = loads.load_id
        inner join runs on versions.run_id = runs.run_id
        where {{ period_has_ended("versions", as_of_day()) }}
    ),

    current_values as (
        select
            *, case when numerator is not null and denominator is null then 1 else 0 end as additive
        from {{ ref("kpi_values") }} as kpi_values
        where kpi_values.period_grain <> 'all' and {{ period_has_ended("kpi_values", as_of_day()) }}
    ),

    -- Every number that there is or ever was.
    numbers as (
        select
            {{ key | join(", ") }},
            coalesce(max(current_label), max(past_label)) as dimension_label,
            max(unit) as unit,
            max(additive) as additive
        from
            (
                select
                    {{ key | join(", ") }},
                    dimension_label as past_label,
                    null as current_label,
                    unit,
                    case when is_additive then 1 else 0 end as additive
                from recorded

                union all

                select
                    {{ key | join(", ") }},
                    null as past_label,
                    dimension_label as current_label,
                    unit,
                    additive
                from current_values
            ) as known
        group by {{ key | join(", ") }}
    ),

    -- A number that is not there is 0 where the metric is additive, else missing.
    versions as (
        select run_number, step, cause, {{ key | join(", ") }}, value, n_included
        from recorded

        union all

        select
            (select max(run_number) from runs) as run_number,
            4 as step,
            'later_events' as cause,
            {%- for column in key %} numbers.{{ column }}, {%- endfor %}
            cast(
                coalesce(
                    current_values.value, case when numbers.additive = 1 then 0 end
                ) as numeric(28, 10)
            ) as value,
            coalesce(current_values.n_included, 0) as n_included
        from numbers
        left join
            current_values
            on {% for column in key -%}
                numbers.{{ column }} = current_values.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
    ),

    metrics as (
        select metric, variant, min(run_number) as first_run from versions group by metric, variant
    ),

    -- The first publication after the end of a period, of a metric that there was.
    first_runs as (
        select
            {%- for column in key %}
                numbers.{{ column }}, {%- endfor %} min(runs.run_number) as run_number
        from numbers
        inner join metrics on numbers.metric = metrics.metric and numbers.variant = metrics.variant
        inner join
            runs
            on metrics.first_run <= runs.run_number
            and {{ period_has_ended("numbers", "runs.as_of_day") }}
        group by
            {% for column in key -%} numbers.{{ column }}{{ ', ' if not loop.last }} {%- endfor %}
    ),

    steps as (
        select
            versions.*,
            first_runs.run_number as first_run,
            numbers.additive,
            row_number() over (
                partition by
                    {% for column in key -%}
                        versions.{{ column }}{{ ', ' if not loop.last }}
                    {%- endfor %}
                order by versions.run_number, versions.step
            ) as version_number,
            lag(versions.value) over (
                partition by
                    {% for column in key -%}
                        versions.{{ column }}{{ ', ' if not loop.last }}
                    {%- endfor %}
                order by versions.run_number, versions.step
            ) as previous_value,
            row_number() over (
                partition by
                    {% for column in key -%} versions.{{ column }}, {%- endfor %}
                    case when versions.run_number <= first_runs.run_number then 1 else 0 end
                order by versions.run_number desc, versions.step desc
            ) as recency
        from versions
        inner join
            numbers
            on {% for column in key -%}
                versions.{{ column }} = numbers.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
        inner join
            first_runs
            on {% for column in key -%}
                versions.{{ column }} = first_runs.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
    ),

    changes as (
        select
            steps.*,
            run_number > first_run as is_later,
            case
                when version_number = 1 and additive = 1 then 0 else previous_value
            end as value_before
        from steps
    ),

    added_up as (
        select
            {{ key | join(", ") }},
            first_run,
            case
                when count(case when not is_later then 1 end) = 0 and additive = 1
                then 0
                else max(case when not is_later and recency = 1 then value end)
            end as first_value,
            coalesce(
                max(case when not is_later and recency = 1 then n_included end), 0
            ) as first_n_included,
            {%- for cause in causes %}
                case
                    when
                        count(
                            case
                                when
                                    is_later
                                    and cause = '{{ cause }}'
                                    and (value is null) <> (value_before is null)
                                then 1
                            end
                        )
                        = 0
                    then
                        coalesce(
                            sum(
                                case
                                    when is_later and cause = '{{ cause }}'
                                    then value - value_before
                                end
                            ),
                            0
                        )
                end as {{ cause }}{{ ',' if not loop.last }}
            {%- endfor %}
        from changes
        group by {{ key | join(", ") }}, first_run, additive
    ),

    final as (
        select
            {%- for column in key %} numbers.{{ column }}, {%- endfor %}
            numbers.dimension_label,
            numbers.unit,
            cast(added_up.first_value as numeric(28, 10)) as first_value,
            versions.value,
            cast(versions.value - added_up.first_value as numeric(28, 10)) as difference,
            {%- for cause in causes %}
                cast(added_up.{{ cause }} as numeric(28, 10)) as {{ cause }},
            {%- endfor %}
            cast(added_up.first_n_included as bigint) as first_n_included,
            cast(versions.n_included as bigint) as n_included,
            runs.run_id as first_run_id,
            runs.as_of as first_as_of,
            runs.known_at as first_known_at,
            {{ as_of() }} as as_of,
            {{ run_id() }} as run_id
        from added_up
        inner join runs on added_up.first_run = runs.run_number
        inner join
            numbers
            on {% for column in key -%}
                added_up.{{ column }} = numbers.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
        inner join
            versions
            on {% for column in key -%}
                added_up.{{ column }} = versions.{{ column }} and
            {% endfor -%}
            versions.step = 4 and versions.run_number = (select max(run_number) from runs)
    )

select *
from final
