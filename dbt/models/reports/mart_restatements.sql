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
        where {{ period_has_ended("versions", ended_by_day()) }}
    ),

    current_values as (
        select
            *, case when numerator is not null and denominator is null then 1 else 0 end as additive
        from {{ ref("kpi_values") }} as kpi_values
        where
            kpi_values.period_grain <> 'all'
            and {{ period_has_ended("kpi_values", ended_by_day()) }}
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
        from recorded

        union

        select metric, variant, period_grain, period_start
        from current_values
    ),

    -- The first publication after the end of a period, of a metric that there was.
    first_runs as (
        select
            periods.metric,
            periods.variant,
            periods.period_grain,
            periods.period_start,
            metrics.additive,
            min(runs.run_number) as first_run
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

    gone as (
        select distinct
            {% for column in key -%} recorded.{{ column }}{{ ', ' if not loop.last }} {%- endfor %}
        from recorded
        left join
            current_values
            on {% for column in key -%}
                recorded.{{ column }} = current_values.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
        where current_values.metric is null
    ),

    versions as (
        select
            run_number,
            step,
            cause,
            {{ key | join(", ") }},
            dimension_label,
            unit,
            value,
            n_included,
            false as is_current,
            false as is_gone
        from recorded

        {%- for now in ["current_values", "gone"] %}
            union all

            select
                last_run.run_number,
                4 as step,
                'later_events' as cause,
                {%- for column in key %} {{ now }}.{{ column }}, {%- endfor %}
                {% if now == "gone" -%}
                    null as dimension_label, null as unit, null as value, 0 as n_included,
                {%- else %}
                    dimension_label, unit, cast(value as numeric(28, 10)) as value, n_included,
                {%- endif %}
                true as is_current,
                {{ "true" if now == "gone" else "false" }} as is_gone
            from {{ now }}
            cross join last_run
        {% endfor %}
    ),

    -- A number that is not there is 0 where the metric is additive, else missing; one that is there
    -- and NULL is not known.
    numbers as (
        select
            versions.run_number,
            versions.step,
            versions.cause,
            {%- for column in key %} versions.{{ column }}, {%- endfor %}
            versions.dimension_label,
            versions.unit,
            versions.n_included,
            versions.is_current,
            first_runs.first_run,
            case
                when versions.is_gone and first_runs.additive = 1 then 0 else versions.value
            end as value,
            case when first_runs.additive = 1 then 0 end as value_of_none
        from versions
        inner join
            first_runs
            on versions.metric = first_runs.metric
            and versions.variant = first_runs.variant
            and versions.period_grain = first_runs.period_grain
            and versions.period_start = first_runs.period_start
    ),

    steps as (
        select
            *,
            run_number > first_run as is_later,
            run_number <= first_run
            and coalesce(lead(run_number) over in_order > first_run, true) as is_first_published,
            lag(run_number) over in_order is null as is_first_version,
            lag(value) over in_order as previous_value
        from numbers
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
            first_run,
            coalesce(
                max(case when is_current then dimension_label end), max(dimension_label)
            ) as dimension_label,
            max(unit) as unit,
            case
                when count(case when not is_later then 1 end) = 0
                then max(value_of_none)
                else max(case when is_first_published then value end)
            end as first_value,
            coalesce(max(case when is_first_published then n_included end), 0) as first_n_included,
            max(case when is_current then value end) as value,
            max(case when is_current then n_included end) as n_included,
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
        group by {{ key | join(", ") }}, first_run
    ),

    final as (
        select
            {%- for column in key %} added_up.{{ column }}, {%- endfor %}
            added_up.dimension_label,
            added_up.unit,
            cast(added_up.first_value as numeric(28, 10)) as first_value,
            added_up.value,
            cast(added_up.value - added_up.first_value as numeric(28, 10)) as difference,
            {%- for cause in causes %}
                cast(added_up.{{ cause }} as numeric(28, 10)) as {{ cause }},
            {%- endfor %}
            cast(added_up.first_n_included as bigint) as first_n_included,
            cast(added_up.n_included as bigint) as n_included,
            runs.run_id as first_run_id,
            runs.as_of as first_as_of,
            runs.known_at as first_known_at,
            {{ as_of() }} as as_of,
            {{ run_id() }} as run_id
        from added_up
        inner join runs on added_up.first_run = runs.run_number
    )

select *
from final
