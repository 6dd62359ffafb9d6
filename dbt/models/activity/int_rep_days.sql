-- Working days on which reps were active, by the part of a month that lies in a week, each of the
-- team and manager of that day. They begin with the company's first activity.
with
    reps as (select * from {{ ref("int_active_reps") }} where is_rep and active_from is not null),

    bounds as (
        select min(occurred_on) as first_day from {{ ref("fct_activities") }} where has_happened
    ),

    counted as (
        select reps.*, greatest(reps.active_from, bounds.first_day) as first_day
        from reps
        inner join bounds on reps.active_to >= bounds.first_day
    ),

    days as (
        select rep_id, region, segment, {{ each("day", "first_day", "active_to") }} as date_day
        from counted
    ),

    working_days as (
        select date_day, month_start, {{ kpi_period_start("date_day", "week") }} as week_start
        from {{ ref("dim_date") }}
        where is_working_day
    ),

    versions as (select * from {{ ref("int_user_versions") }}),

    final as (
        select
            days.rep_id,
            versions.team,
            versions.manager_id,
            days.region,
            days.segment,
            working_days.month_start,
            working_days.week_start,
            count(*) as days
        from days
        inner join working_days on days.date_day = working_days.date_day
        left join
            versions
            on days.rep_id = versions.rep_id
            and {{ is_version_on("versions", "days.date_day") }}
        group by
            days.rep_id,
            versions.team,
            versions.manager_id,
            days.region,
            days.segment,
            working_days.month_start,
            working_days.week_start
    )

select *
from final
