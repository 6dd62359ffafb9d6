{%- set metrics = headline_metrics() -%}
{%- set period = ["period_grain", "period_start"] -%}
{%- set cut = ["dimension", "dimension_key"] -%}
-- The headlines side by side, a row per period and part of a cut: each beside the period before,
-- and beside what was to be reached.
with
    numbers as (
        select
            told.*,
            variants.kind = 'sum' and variants.state is null as is_additive,
            variants.kind = 'sum' and variants.state is not null as is_level
        from {{ ref("kpi_values") }} as told
        inner join
            {{ ref("kpi_variants") }} as variants
            on told.metric = variants.metric
            and told.variant = variants.variant
        where
            told.variant = 'default'
            and told.metric in ('{{ metrics | join("', '") }}')
            and told.period_grain <> 'all'
            and told.period_start <= {{ as_of_day() }}
    ),

    cells as (
        select
            {{ (period + cut) | join(", ") }},
            max(dimension_label) as dimension_label,
            {%- for metric in metrics %}
                max(case when metric = '{{ metric }}' then value end) as {{ metric }},
                max(case when metric = '{{ metric }}' then n_included end) as {{ metric }}_records,
            {%- endfor %}
            max(as_of) as as_of
        from numbers
        group by {{ (period + cut) | join(", ") }}
    ),

    -- Since when any part of a cut has numbers of what adds up: before, 0 would be a claim.
    firsts as (
        select
            period_grain,
            dimension
            {%- for metric in metrics %}
                ,
                min(
                    case when metric = '{{ metric }}' and is_additive then period_start end
                ) as {{ metric }}
            {%- endfor %}
        from numbers
        group by period_grain, dimension
    ),

    -- In which periods any part of a cut has a number of what is open or owned at a moment.
    levels as (
        select
            {{ period | join(", ") }},
            dimension
            {%- for metric in metrics %}
                , max(case when metric = '{{ metric }}' and is_level then 1 end) as {{ metric }}
            {%- endfor %}
        from numbers
        group by {{ period | join(", ") }}, dimension
    ),

    -- Of several goals on one number, the one that asks most.
    targets as (
        select
            {{ (period + cut) | join(", ") }}
            {%- for metric in metrics %}
                ,
                coalesce(
                    max(case when metric = '{{ metric }}' and better = 'up' then target end),
                    min(case when metric = '{{ metric }}' and better = 'down' then target end)
                ) as {{ metric }}
            {%- endfor %}
        from {{ ref("mart_goal_progress") }}
        where kind_of_goal = 'goal' and variant = 'default'
        group by {{ (period + cut) | join(", ") }}
    ),

    dated as (
        select
            cells.*,
            {{ period_has_ended("cells", ended_by_day()) }} as is_complete,
            case
                cells.period_grain
                {%- for grain, months in [("month", 1), ("quarter", 3), ("year", 12)] %}
                    when '{{ grain }}'
                    then
                        {{
                            dbt.datediff(
                                "cells.period_start",
                                fiscal_period_start(ended_by_day(), grain),
                                "month",
                            )
                        }} / {{ months }}
                {%- endfor %}
                when 'week'
                then
                    {{
                        dbt.datediff(
                            "cells.period_start", kpi_period_start(ended_by_day(), "week"), "day"
                        )
                    }} / 7
            end as periods_ago,
            case
                cells.period_grain
                {%- for grain, part, count in [
                    ("week", "day", 7),
                    ("month", "month", 1),
                    ("quarter", "month", 3),
                    ("year", "month", 12),
                ] %}
                    when '{{ grain }}'
                    then cast({{ dbt.dateadd(part, -count, "cells.period_start") }} as date)
                {%- endfor %}
            end as previous_start
        from cells
    ),

    final as (
        select
            dated.period_grain,
            dated.period_start,
            dated.is_complete,
            cast(dated.periods_ago as integer) as periods_ago,
            dated.dimension,
            dated.dimension_key,
            dated.dimension_label,
            {%- for metric in metrics %}
                {{ headline_value(metric, "dated", "dated.period_start", "firsts", "levels") }}
                as {{ metric }},
                {{
                    headline_value(
                        metric, "previous", "dated.previous_start", "firsts", "previous_levels"
                    )
                }} as {{ metric }}_previous,
                targets.{{ metric }} as {{ metric }}_target,
                coalesce(
                    dated.{{ metric }}_records,
                    case
                        when dated.period_start >= firsts.{{ metric }} or levels.{{ metric }} = 1
                        then 0
                    end
                ) as {{ metric }}_records,
            {%- endfor %}
            dated.as_of
        from dated
        inner join
            firsts
            on dated.period_grain = firsts.period_grain
            and dated.dimension = firsts.dimension
        inner join
            levels
            on dated.period_grain = levels.period_grain
            and dated.period_start = levels.period_start
            and dated.dimension = levels.dimension
        left join
            cells as previous
            on dated.period_grain = previous.period_grain
            and dated.previous_start = previous.period_start
            and dated.dimension = previous.dimension
            and dated.dimension_key = previous.dimension_key
        left join
            levels as previous_levels
            on dated.period_grain = previous_levels.period_grain
            and dated.previous_start = previous_levels.period_start
            and dated.dimension = previous_levels.dimension
        left join
            targets
            on dated.period_grain = targets.period_grain
            and dated.period_start = targets.period_start
            and dated.dimension = targets.dimension
            and dated.dimension_key = targets.dimension_key
    )

select *
from final
