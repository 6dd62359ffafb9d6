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
-- has one cause. Most numbers never change, and have no steps.
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
        select
            versions.*,
            runs.run_number,
            runs.run_number = 1 and versions.cause = 'later_events' as is_of_first_run
        from {{ source("history", "kpi_versions") }} as versions
        inner join loads on versions._dlt_load_id = loads.load_id
        inner join runs on versions.run_id = runs.run_id
        where {{ period_has_ended("versions", ended_by_day()) }}
    ),

    -- The numbers of the first publication: one version each, and most of all versions.
    first_versions as (select * from recorded where is_of_first_run),

    later_versions as (select * from recorded where not is_of_first_run),

    later_histories as (
        select
            {{ key | join(", ") }},
            count(*) as n_versions,
            max(run_number) as run_number,
            max(dimension_label) as dimension_label,
            max(unit) as unit,
            max(value) as value,
            max(n_included) as n_included
        from later_versions
        group by {{ key | join(", ") }}
    ),

    current_values as (
        select
            {{ key | join(", ") }},
            dimension_label,
            unit,
            cast(value as numeric(28, 10)) as value,
            n_included,
            case when numerator is not null and denominator is null then 1 else 0 end as additive
        from {{ ref("kpi_values") }} as kpi_values
        where
            kpi_values.period_grain <> 'all'
            and {{ period_has_ended("kpi_values", ended_by_day()) }}
    ),

    last_run as (select max(run_number) as run_number from runs),

    -- Since when there is a metric in a period, and whether its numbers add up.
    periods as (
        select {{ key[:4] | join(", ") }}, min(run_number) as run_number, max(additive) as additive
        from
            (
                select
                    {{ key[:4] | join(", ") }},
                    run_number,
                    case when is_additive then 1 else 0 end as additive
                from recorded

                union all

                select {{ key[:4] | join(", ") }}, last_run.run_number, additive
                from current_values
                cross join last_run
            ) as known
        group by {{ key[:4] | join(", ") }}
    ),

    metrics as (
        select metric, variant, min(run_number) as first_run, max(additive) as additive
        from periods
        group by metric, variant
    ),

    -- The first publication after the end of a period, of a metric that there was.
    first_runs as (
        select
            periods.metric,
            periods.variant,
            periods.period_grain,
            periods.period_start,
            metrics.additive,
            min(runs.run_number) as run_number
        from periods
        inner join metrics on periods.metric = metrics.metric and periods.variant = metrics.variant
        inner join
            runs
            on metrics.first_run <= runs.run_number
            and {{ period_has_ended("periods", "runs.as_of_day") }}
        group by
            periods.metric,
            periods.variant,
            periods.period_grain,
            periods.period_start,
            metrics.additive
    ),

    -- The numbers of now beside those of the first publication, as which most of them are.
    now_and_first as (
        select
            {%- for column in key %}
                coalesce(current_values.{{ column }}, first_versions.{{ column }}) as {{ column }},
            {%- endfor %}
            current_values.dimension_label,
            first_versions.dimension_label as label_before,
            greatest(current_values.unit, first_versions.unit) as unit,
            current_values.value,
            current_values.n_included,
            first_versions.value as value_before,
            first_versions.n_included as n_included_before,
            current_values.metric is null as is_gone,
            case when first_versions.metric is null then 0 else 1 end as n_versions
        from current_values
        full join
            first_versions
            on {% for column in key -%}
                current_values.{{ column }} = first_versions.{{ column }}
                {{- ' and ' if not loop.last }}
            {%- endfor %}
    ),

    -- All numbers that there are or were, and whether they are as in their only version.
    known as (
        select
            {%- for column in key %}
                coalesce(numbers.{{ column }}, later.{{ column }}) as {{ column }},
            {%- endfor %}
            coalesce(
                numbers.dimension_label, greatest(numbers.label_before, later.dimension_label)
            ) as dimension_label,
            greatest(numbers.unit, later.unit) as unit,
            numbers.value,
            coalesce(numbers.n_included, 0) as n_included,
            coalesce(numbers.n_included_before, later.n_included) as n_included_before,
            numbers.value_before as first_run_value,
            numbers.n_included_before as first_run_n_included,
            numbers.n_versions = 1 as is_in_first_run,
            coalesce(later.run_number, 1) as run_number,
            coalesce(numbers.is_gone, true) as is_gone,
            coalesce(numbers.n_versions, 0) + coalesce(later.n_versions, 0) as n_versions,
            numbers.value is not distinct from case
                when later.metric is null then numbers.value_before else later.value
            end as is_as_before
        from now_and_first as numbers
        full join
            later_histories as later
            on {% for column in key -%}
                numbers.{{ column }} = later.{{ column }} {{- ' and ' if not loop.last }}
            {%- endfor %}
    ),

    -- A number that is not there is 0 where the metric is additive, else missing; one that is there
    -- and NULL is not known.
    numbers as (
        select
            {%- for column in key[:4] %} first_runs.{{ column }}, {%- endfor %}
            known.dimension,
            known.dimension_key,
            {% if var("reps") == "ids" -%}
                case
                    when known.dimension in ('rep', 'manager')
                    then known.dimension_key
                    else known.dimension_label
                end
            {%- else -%} known.dimension_label
            {%- endif %} as dimension_label,
            known.unit,
            case
                when known.is_gone and first_runs.additive = 1 then 0 else known.value
            end as value,
            case when first_runs.additive = 1 then 0 end as value_of_none,
            known.n_included,
            known.first_run_value,
            known.first_run_n_included,
            known.is_in_first_run,
            case
                when first_runs.run_number = last_run.run_number
                then known.n_included
                else known.n_included_before
            end as first_n_included,
            case
                when known.is_gone
                then false
                when known.n_versions = 0
                then first_runs.run_number = last_run.run_number
                else
                    known.n_versions = 1
                    and known.is_as_before
                    and known.run_number <= first_runs.run_number
            end as is_as_first_published,
            first_runs.run_number as first_run
        from known
        inner join
            first_runs
            on {% for column in key[:4] -%}
                known.{{ column }} = first_runs.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
        cross join last_run
    ),

    changed as (select * from numbers where not is_as_first_published),

    versions as (
        select
            1 as run_number,
            4 as step,
            'later_events' as cause,
            {{ key | join(", ") }},
            first_run_value as value,
            first_run_n_included as n_included,
            first_run,
            value_of_none
        from changed
        where is_in_first_run

        union all

        select
            later_versions.run_number,
            later_versions.step,
            later_versions.cause,
            {%- for column in key %} changed.{{ column }}, {%- endfor %}
            later_versions.value,
            later_versions.n_included,
            changed.first_run,
            changed.value_of_none
        from later_versions
        inner join
            changed
            on {% for column in key -%}
                later_versions.{{ column }} = changed.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}

        union all

        select
            last_run.run_number,
            4 as step,
            'later_events' as cause,
            {%- for column in key %} changed.{{ column }}, {%- endfor %}
            changed.value,
            changed.n_included,
            changed.first_run,
            changed.value_of_none
        from changed
        cross join last_run
    ),

    steps as (
        select
            *,
            run_number > first_run as is_later,
            run_number <= first_run
            and coalesce(lead(run_number) over in_order > first_run, true) as is_first_published,
            lag(run_number) over in_order is null as is_first_version,
            lag(value) over in_order as previous_value
        from versions
        window in_order as (partition by {{ key | join(", ") }} order by run_number, step)
    ),

    changes as (
        select
            *, case when is_first_version then value_of_none else previous_value end as value_before
        from steps
    ),

    added_up as (
        select
            {{ key | join(", ") }},
            case
                when count(case when not is_later then 1 end) = 0
                then max(value_of_none)
                else max(case when is_first_published then value end)
            end as first_value,
            coalesce(max(case when is_first_published then n_included end), 0) as first_n_included,
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
        group by {{ key | join(", ") }}
    ),

    compared as (
        select
            {{ key | join(", ") }},
            dimension_label,
            unit,
            value as first_value,
            value,
            {%- for cause in causes %} 0 as {{ cause }}, {%- endfor %}
            first_n_included,
            n_included,
            first_run
        from numbers
        where is_as_first_published

        union all

        select
            {%- for column in key %} changed.{{ column }}, {%- endfor %}
            changed.dimension_label,
            changed.unit,
            added_up.first_value,
            changed.value,
            {%- for cause in causes %} added_up.{{ cause }}, {%- endfor %}
            added_up.first_n_included,
            changed.n_included,
            changed.first_run
        from changed
        inner join
            added_up
            on {% for column in key -%}
                changed.{{ column }} = added_up.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
    )

select
    {%- for column in key %} compared.{{ column }}, {%- endfor %}
    compared.dimension_label,
    compared.unit,
    cast(compared.first_value as numeric(28, 10)) as first_value,
    compared.value,
    cast(compared.value - compared.first_value as numeric(28, 10)) as difference,
    {%- for cause in causes %}
        cast(compared.{{ cause }} as numeric(28, 10)) as {{ cause }},
    {%- endfor %}
    cast(compared.first_n_included as bigint) as first_n_included,
    cast(compared.n_included as bigint) as n_included,
    runs.run_id as first_run_id,
    runs.as_of as first_as_of,
    runs.known_at as first_known_at,
    {{ as_of() }} as as_of,
    {{ run_id() }} as run_id
from compared
inner join runs on compared.first_run = runs.run_number
