-- One row per person: whether they are a rep, and on which days they were active as far as is
-- known:
-- from the day of hiring, or from their first activity where that was before, else their first own
-- record, to the day before they left, else the last own record of one who is no longer active.
-- Both
-- are in it.
with
    people as (select * from {{ ref("dim_rep") }}),

    described as (select source_id as rep_id from {{ ref("int_people") }}),

    own_records as (
        select rep_id, occurred_on as day, true as is_activity
        from {{ ref("fct_activities") }}
        where has_happened

        union all

        select rep_id, created_on as day, false as is_activity
        from {{ ref("fct_opportunities") }}
        where removal is null
    ),

    recorded as (
        select
            rep_id,
            min(day) as first_day,
            min(case when is_activity then day end) as first_activity_on,
            max(day) as last_day
        from own_records
        where rep_id is not null
        group by rep_id
    ),

    judged as (
        select
            people.rep_id,
            people.role,
            coalesce(people.role = 'rep', recorded.rep_id is not null) as is_rep,
            people.region,
            people.segment,
            recorded.first_activity_on,
            case
                when people.hired_on > recorded.first_activity_on
                then recorded.first_activity_on
                else coalesce(people.hired_on, recorded.first_day)
            end as active_from,
            case
                when people.left_on <= {{ as_of_day() }}
                then cast({{ dbt.dateadd("day", -1, "people.left_on") }} as date)
                when people.left_on is null and (not people.is_active or described.rep_id is null)
                then recorded.last_day
                else {{ as_of_day() }}
            end as active_to
        from people
        left join recorded on people.rep_id = recorded.rep_id
        left join described on people.rep_id = described.rep_id
    ),

    final as (
        select
            rep_id,
            role,
            is_rep,
            region,
            segment,
            first_activity_on,
            case when active_from <= active_to then active_from end as active_from,
            case when active_from <= active_to then active_to end as active_to
        from judged
    )

select *
from final
