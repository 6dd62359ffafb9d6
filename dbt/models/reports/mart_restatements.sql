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
        select versions.*, runs.run_number
        from {{ source("history", "kpi_versions") }} as versions
        inner join loads on versions._dlt_load_id = loads.load_id
        inner join runs on versions.run_id = runs.run_id
        where {{ period_has_ended("versions", ended_by_day()) }}
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

    histories as (
        select
            {{ key | join(", ") }},
            count(*) as n_versions,
            max(run_number) as run_number,
            max(dimension_label) as dimension_label,
            max(unit) as unit,
            max(value) as value,
            max(n_included) as n_included
        from recorded
        group by {{ key | join(", ") }}
    ),

    last_run as (select max(run_number) as run_number from runs),

    -- Since when there is a metric, and whether its numbers add up.
    metrics as (
        select metric, variant, min(run_number) as first_run, max(additive) as additive
        from
            (
                select
                    metric, variant, run_number, case when is_additive then 1 else 0 end as additive
                from recorded

                union all

                select current_values.metric, current_values.variant, last_run.run_number, additive
                from current_values
                cross join last_run
            ) as known
        group by metric, variant
    ),

    periods as (
        select metric, variant, period_grain, period_start
        from histories

        union

        select metric, variant, period_grain, period_start
        from current_values
    ),

    -- The first publication after the end of a period, of a metric that there was.
    first_run_numbers as (
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

    first_runs as (
        select
            first_run_numbers.*,
            runs.run_id,
            runs.as_of,
            runs.known_at,
            runs.run_number = last_run.run_number as is_last
        from first_run_numbers
        inner join runs on first_run_numbers.run_number = runs.run_number
        cross join last_run
    ),

    known as (
        select
            {%- for column in key %}
                coalesce(current_values.{{ column }}, histories.{{ column }}) as {{ column }},
            {%- endfor %}
            {% if var("reps") == "ids" -%}
                case
                    when
                        coalesce(current_values.dimension, histories.dimension)
                        in ('rep', 'manager')
                    then coalesce(current_values.dimension_key, histories.dimension_key)
                    else coalesce(current_values.dimension_label, histories.dimension_label)
                end
            {%- else -%} coalesce(current_values.dimension_label, histories.dimension_label)
            {%- endif %} as dimension_label,
            greatest(current_values.unit, histories.unit) as unit,
            current_values.value,
            coalesce(current_values.n_included, 0) as n_included,
            histories.n_included as n_included_before,
            histories.run_number,
            current_values.metric is null as is_gone,
            histories.metric is null as is_new,
            histories.n_versions = 1
            and current_values.value is not distinct from histories.value as is_as_before
        from current_values
        full join
            histories
            on {% for column in key -%}
                current_values.{{ column }} = histories.{{ column }} {{- ' and ' if not loop.last }}
            {%- endfor %}
    ),

    -- A number that is not there is 0 where the metric is additive, else missing; one that is there
    -- and NULL is not known.
    numbers as (
        select
            {%- for column in key[:4] %} first_runs.{{ column }}, {%- endfor %}
            known.dimension,
            known.dimension_key,
            known.dimension_label,
            known.unit,
            case
                when known.is_gone and first_runs.additive = 1 then 0 else known.value
            end as value,
            case when first_runs.additive = 1 then 0 end as value_of_none,
            known.n_included,
            case
                when first_runs.is_last then known.n_included else known.n_included_before
            end as first_n_included,
            case
                when known.is_gone
                then false
                when known.is_new
                then first_runs.is_last
                else known.is_as_before and known.run_number <= first_runs.run_number
            end as is_as_first_published,
            first_runs.run_number as first_run,
            first_runs.run_id as first_run_id,
            first_runs.as_of as first_as_of,
            first_runs.known_at as first_known_at
        from known
        inner join
            first_runs
            on {% for column in key[:4] -%}
                known.{{ column }} = first_runs.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
    ),

    changed as (select * from numbers where not is_as_first_published),

    versions as (
        select
            recorded.run_number,
            recorded.step,
            recorded.cause,
            {%- for column in key %} changed.{{ column }}, {%- endfor %}
            recorded.value,
            recorded.n_included,
            changed.first_run,
            changed.value_of_none
        from recorded
        inner join
            changed
            on {% for column in key -%}
                recorded.{{ column }} = changed.{{ column }}{{ ' and ' if not loop.last }}
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

    final as (
        select
            {%- for column in key %} numbers.{{ column }}, {%- endfor %}
            numbers.dimension_label,
            numbers.unit,
            cast(
                case
                    when numbers.is_as_first_published then numbers.value else added_up.first_value
                end as numeric(28, 10)
            ) as first_value,
            numbers.value,
            {%- for cause in causes %}
                cast(
                    case
                        when numbers.is_as_first_published then 0 else added_up.{{ cause }}
                    end as numeric(28, 10)
                ) as {{ cause }},
            {%- endfor %}
            cast(
                case
                    when numbers.is_as_first_published
                    then numbers.first_n_included
                    else added_up.first_n_included
                end as bigint
            ) as first_n_included,
            cast(numbers.n_included as bigint) as n_included,
            numbers.first_run_id,
            numbers.first_as_of,
            numbers.first_known_at
        from numbers
        left join
            added_up
            on {% for column in key -%}
                numbers.{{ column }} = added_up.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
    )

select
    {{ key | join(", ") }},
    dimension_label,
    unit,
    first_value,
    value,
    cast(value - first_value as numeric(28, 10)) as difference,
    {{ causes | join(", ") }},
    first_n_included,
    n_included,
    first_run_id,
    first_as_of,
    first_known_at,
    {{ as_of() }} as as_of,
    {{ run_id() }} as run_id
from final
