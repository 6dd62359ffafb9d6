-- The months in which people worked here, as far as the company's records go back.
with
    people as (select * from {{ ref("dim_rep") }}),

    active as (select * from {{ ref("int_active_reps") }}),

    own_records as (
        select rep_id, min(occurred_on) as first_on
        from {{ ref("fct_activities") }}
        where has_happened
        group by rep_id

        union all

        select rep_id, min(created_on) as first_on
        from {{ ref("fct_opportunities") }}
        where removal is null
        group by rep_id
    ),

    recorded as (select rep_id, min(first_on) as first_on from own_records group by rep_id),

    with_records as (
        select
            people.*,
            coalesce(people.role, 'rep') as works_as,
            people.role is not null or active.is_rep as is_at_work,
            active.active_from,
            active.active_to,
            min(recorded.first_on) over () as company_first_on
        from people
        left join active on people.rep_id = active.rep_id
        left join recorded on people.rep_id = recorded.rep_id
    ),

    spans as (
        select *, greatest(active_from, company_first_on) as first_day, active_to as last_day
        from with_records
        where is_at_work and active_from is not null
    ),

    manned as (
        select
            rep_id,
            rep_name,
            works_as as role,
            region,
            segment,
            hired_on,
            company_first_on,
            first_day,
            last_day,
            {{ each("month", month_start("first_day"), "last_day") }} as month_start
        from spans
        where first_day <= last_day
    ),

    bounded as (
        select
            *,
            greatest(first_day, month_start) as active_from,
            least(
                cast({{ dbt.dateadd("day", -1, dbt.dateadd("month", 1, "month_start")) }} as date),
                {{ as_of_day() }}
            ) as month_end
        from manned
    ),

    counted as (
        select
            *,
            least(last_day, month_end) as active_to,
            {{ dbt.datediff("active_from", "least(last_day, month_end)", "day") }}
            + 1 as active_days,
            {{ dbt.datediff("month_start", "month_end", "day") }} + 1 as days,
            cast(
                {{ dbt.datediff(month_start("hired_on"), "month_start", "month") }} as integer
            ) as months_since_hire
        from bounded
    ),

    versions as (select * from {{ ref("int_user_versions") }}),

    final as (
        select
            counted.rep_id,
            counted.rep_name,
            counted.month_start,
            counted.role,
            counted.role <> 'manager' as is_peer,
            versions.team,
            versions.manager_id,
            counted.region,
            counted.segment,
            counted.hired_on,
            counted.company_first_on,
            counted.months_since_hire,
            counted.months_since_hire >= 12 as is_tenured,
            case
                when counted.months_since_hire < 0
                then 'unknown'
                when counted.months_since_hire < 6
                then '0-5'
                when counted.months_since_hire < 12
                then '6-11'
                when counted.months_since_hire < 24
                then '12-23'
                when counted.months_since_hire is not null
                then '24+'
                else 'unknown'
            end as tenure_band,
            counted.active_from,
            counted.active_to,
            cast(counted.active_days as integer) as active_days,
            -- Who came on the first working day was there for the month.
            10 * counted.active_days >= 9 * counted.days as is_whole,
            counted.month_start < {{ month_start(ended_by_day()) }} as is_over
        from counted
        left join
            versions
            on counted.rep_id = versions.rep_id
            and {{ is_version_on("versions", "counted.active_to") }}
    )

select *
from final
