-- The months in which people worked here: from the day of hiring, else their first own record, to
-- the day before they left. Where nobody says that somebody left, and nobody that they are still
-- here, to their last own record. Nothing is before the company's first record.
with
    people as (select * from {{ ref("dim_rep") }}),

    described as (select source_id as rep_id from {{ ref("int_people") }}),

    own_records as (
        select rep_id, created_on as first_on, coalesce(closed_on, created_on) as last_on
        from {{ ref("fct_opportunities") }}
        where rep_id is not null and created_on is not null

        union all

        select
            owner_id as rep_id,
            {{ local_day("min(occurred_at)") }} as first_on,
            {{ local_day("max(occurred_at)") }} as last_on
        from {{ ref("int_activities__unioned") }} as activities
        where owner_id is not null and {{ happened("activities") }}
        group by owner_id
    ),

    recorded as (
        select rep_id, min(first_on) as first_on, max(last_on) as last_on
        from own_records
        group by rep_id
    ),

    with_first as (
        select
            people.*,
            coalesce(people.role, case when recorded.rep_id is not null then 'rep' end) as works_as,
            recorded.first_on,
            recorded.last_on,
            min(recorded.first_on) over () as company_first_on,
            described.rep_id is not null as is_described
        from people
        left join recorded on people.rep_id = recorded.rep_id
        left join described on people.rep_id = described.rep_id
    ),

    -- Who has no day is not there: nobody says when they came, and they own nothing.
    spans as (
        select
            *,
            greatest(coalesce(hired_on, first_on), company_first_on) as active_from,
            least(
                cast(
                    case
                        when left_on is not null
                        then {{ dbt.dateadd("day", -1, "left_on") }}
                        when is_active and is_described
                        then {{ as_of_day() }}
                        else last_on
                    end as date
                ),
                {{ as_of_day() }}
            ) as active_to
        from with_first
        where works_as is not null and coalesce(hired_on, first_on) is not null
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
            active_from as first_day,
            active_to as last_day,
            {{ each("month", month_start("active_from"), "active_to") }} as month_start
        from spans
        where active_to >= active_from
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
            10 * counted.active_days >= 9 * counted.days as is_whole
        from counted
        left join
            versions
            on counted.rep_id = versions.rep_id
            and {{ is_version_on("versions", "counted.active_to") }}
    )

select *
from final
