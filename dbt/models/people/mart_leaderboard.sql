{%- set measures = [
    "revenue_won",
    "deals_won",
    "win_rate",
    "quota_attainment",
    "pipeline_created",
    "activities",
] -%}
-- Reps and teams by month and measure. Who shares a value shares the rank, and the next one is as
-- far
-- on as there are such. What takes ten records to say something has no rank with fewer.
with
    metrics as (
        select *
        from {{ ref("int_rep_metrics") }}
        where metric in ('{{ measures | join("', '") }}') and variant = 'default'
    ),

    team_values as (
        select
            dimension_key as team,
            dimension_label as team_name,
            period_start,
            metric,
            value,
            n_included
        from {{ ref("kpi_values") }}
        where
            period_grain = 'month'
            and dimension = 'team'
            and dimension_key <> '(none)'
            and variant = 'default'
            and period_start <= {{ current_month() }}
    ),

    sums_since as (
        select team_values.metric, min(team_values.period_start) as first_month
        from team_values
        inner join metrics on team_values.metric = metrics.metric
        where metrics.is_sum
        group by team_values.metric
    ),

    manned_teams as (
        select distinct team, month_start
        from {{ ref("int_rep_months") }}
        where role = 'rep' and team is not null
    ),

    -- A team whose reps worked here and have nothing of a sum has 0 of it.
    teams_with_nothing as (
        select manned_teams.team, manned_teams.month_start as period_start, sums_since.metric
        from manned_teams
        inner join sums_since on manned_teams.month_start >= sums_since.first_month
        left join
            team_values
            on manned_teams.team = team_values.team
            and manned_teams.month_start = team_values.period_start
            and sums_since.metric = team_values.metric
        where team_values.team is null
    ),

    entries as (
        select
            'rep' as entity,
            rep_id as entity_id,
            rep_name as entity_name,
            month_start as period_start,
            metric,
            value,
            n_included
        from {{ ref("int_rep_measures") }}
        where role = 'rep' and is_active and variant = 'default'

        union all

        select
            'team' as entity,
            team as entity_id,
            team_name as entity_name,
            period_start,
            metric,
            value,
            n_included
        from team_values

        union all

        select
            'team' as entity,
            team as entity_id,
            team as entity_name,
            period_start,
            metric,
            0 as value,
            0 as n_included
        from teams_with_nothing
    ),

    judged as (
        select entries.*, metrics.unit
        from entries
        inner join metrics on entries.metric = metrics.metric
        where
            entries.value is not null
            and (not metrics.needs_sample or {{ is_enough("entries.n_included") }})
    ),

    final as (
        select
            period_start,
            metric as measure,
            unit,
            cast(entity as {{ dbt.type_string() }}) as entity,
            cast(entity_id as {{ dbt.type_string() }}) as entity_id,
            cast(entity_name as {{ dbt.type_string() }}) as entity_name,
            cast(value as {{ double_type() }}) as value,
            cast(n_included as bigint) as n_included,
            rank() over (partition by period_start, metric, entity order by value desc) as rank,
            count(*) over (partition by period_start, metric, entity) as n_ranked,
            period_start < {{ month_start(ended_by_day()) }} as is_over
        from judged
    )

select *
from final
