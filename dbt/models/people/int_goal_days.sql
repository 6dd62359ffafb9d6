{%- set window = 90 -%}
-- What an average working day of the last {{ window }} days that are over has brought, for each goal on
-- something that adds up whose period goes on, how much such days differ, and how many are to come,
-- the rest of today among them. No day counts before the company had such numbers, or the rep was
-- here; none comes once the rep has left.
with
    goals as (select * from {{ ref("int_goal_periods") }} where is_additive and not has_ended),

    credits as (select * from {{ ref("int_goal_credits") }}),

    days as (
        select
            date_day,
            is_working_day,
            sum(case when is_working_day then 1 else 0 end) over (
                order by date_day rows between unbounded preceding and current row
            ) as nth_working_day
        from {{ ref("dim_date") }}
    ),

    known as (
        select metric, variant, min(period_on) as first_day
        from {{ ref("kpi_members") }}
        where company is not null and exclusion_reason is null
        group by metric, variant
    ),

    bounded as (
        select
            goals.goal,
            goals.period_start,
            {{ ended_by_day() }} as today,
            cast({{ dbt.dateadd("day", -1, ended_by_day()) }} as date) as yesterday,
            greatest(
                cast({{ dbt.dateadd("day", -window, ended_by_day()) }} as date),
                coalesce(known.first_day, {{ ended_by_day() }}),
                coalesce(reps.hired_on, date '0001-01-01')
            ) as since,
            least(
                goals.period_end,
                coalesce(
                    cast({{ dbt.dateadd("day", -1, "reps.left_on") }} as date), goals.period_end
                )
            ) as until
        from goals
        left join known on goals.metric = known.metric and goals.variant = known.variant
        left join
            {{ ref("dim_rep") }} as reps
            on case when goals.dimension = 'rep' then goals.dimension_key end = reps.rep_id
    ),

    counted as (
        select
            bounded.goal,
            bounded.period_start,
            bounded.since,
            greatest(
                yesterday.nth_working_day - coalesce(before.nth_working_day, 0), 0
            ) as days_before,
            greatest(
                coalesce(last_days.nth_working_day, 0)
                - yesterday.nth_working_day
                - case when today.is_working_day then {{ share_of_day_worked() }} else 0 end,
                0
            ) as days_to_come
        from bounded
        inner join days as today on bounded.today = today.date_day
        inner join days as yesterday on bounded.yesterday = yesterday.date_day
        left join
            days as before
            on cast({{ dbt.dateadd("day", -1, "bounded.since") }} as date) = before.date_day
        left join days as last_days on bounded.until = last_days.date_day
    ),

    final as (
        select
            counted.goal,
            counted.period_start,
            counted.days_before,
            counted.days_to_come,
            coalesce(sum(credits.n), 0) as n,
            cast(coalesce(sum(credits.amount), 0) as {{ double_type() }}) as amount,
            cast(
                coalesce(
                    sum({{ summable("credits.amount", "credits.amount") }}), 0
                ) as {{ double_type() }}
            ) as squares,
            coalesce(min(credits.amount), 0) >= 0 as never_falls
        from counted
        left join
            credits
            on counted.goal = credits.goal
            and counted.period_start = credits.period_start
            and counted.since <= credits.counts_on
        group by counted.goal, counted.period_start, counted.days_before, counted.days_to_come
    )

select *
from final
