{%- set text = dbt.type_string() %}
{%- set cuts = owner_cuts() | join(", ") %}
-- What people did, one by one. Per rep and day: the working days of each rep as the records, and
-- what reps did beside them, in the months and weeks in which any of them did something.
with
    activities as (
        select
            activities.*,
            {{ or_none("activities.rep_id") }} as rep,
            {{ or_none("activities.team") }} as team_key,
            {{ or_none("activities.manager_id") }} as manager,
            {{ or_none("activities.region") }} as region_key,
            {{ or_none("activities.segment") }} as segment_key
        from {{ ref("fct_activities") }} as activities
        where activities.is_done
    ),

    reps as (select rep_id from {{ ref("int_active_reps") }} where is_rep),

    of_reps as (
        select
            rep,
            team_key as team,
            manager,
            region_key as region,
            segment_key as segment,
            activity_type,
            {{ month_start("occurred_on") }} as month_start,
            {{ kpi_period_start("occurred_on", "week") }} as week_start,
            count(*) as activities
        from activities
        where has_happened and rep_id in (select rep_id from reps)
        group by
            rep,
            team_key,
            manager,
            region_key,
            segment_key,
            activity_type,
            {{ month_start("occurred_on") }},
            {{ kpi_period_start("occurred_on", "week") }}
    ),

    types as (select distinct activity_type from of_reps),

    rep_days as (
        select
            {{ or_none("rep_id") }} as rep,
            {{ or_none("team") }} as team,
            {{ or_none("manager_id") }} as manager,
            {{ or_none("region") }} as region,
            {{ or_none("segment") }} as segment,
            month_start,
            week_start,
            days
        from {{ ref("int_rep_days") }}
    ),

    rep_periods as (
        select
            'rep_month' as entity,
            'month quarter year all' as counts_in,
            month_start as period_on,
            {{ cuts }},
            sum(days) as days
        from rep_days
        where month_start in (select month_start from of_reps)
        group by month_start, {{ cuts }}

        union all

        select
            'rep_week' as entity,
            'week' as counts_in,
            week_start as period_on,
            {{ cuts }},
            sum(days) as days
        from rep_days
        where week_start in (select week_start from of_reps)
        group by week_start, {{ cuts }}
    ),

    rep_months_and_weeks as (
        select entity, counts_in, period_on, rep, region, segment, sum(days) as days
        from rep_periods
        group by entity, counts_in, period_on, rep, region, segment
    ),

    per_rep_day as (
        select
            entity,
            md5(rep || '|' || entity || period_on) as entity_key,
            rep as entity_id,
            'all' as company,
            rep,
            cast(null as {{ text }}) as team,
            cast(null as {{ text }}) as manager,
            region,
            segment,
            cast(null as {{ text }}) as activity_type,
            period_on,
            counts_in,
            cast(null as {{ text }}) as side,
            0 as numerator,
            days as denominator
        from rep_months_and_weeks

        -- Of a rep who moves, each team has its days, and the month counts once all the same.
        {%- for own in ["team", "manager"] %}
            union all

            select
                entity,
                null as entity_key,
                rep as entity_id,
                null as company,
                {%- for cut in owner_cuts() %}
                    {{ cut if cut == own else "null" }} as {{ cut }},
                {%- endfor %}
                null as activity_type,
                period_on,
                counts_in,
                null as side,
                0 as numerator,
                sum(days) as denominator
            from rep_periods
            group by entity, counts_in, period_on, rep, {{ own }}
        {%- endfor %}

        union all

        -- The days are the same whatever was done on them.
        select
            periods.entity,
            null as entity_key,
            periods.rep as entity_id,
            null as company,
            {%- for cut in owner_cuts() %} null as {{ cut }}, {%- endfor %}
            types.activity_type,
            periods.period_on,
            periods.counts_in,
            null as side,
            0 as numerator,
            periods.days as denominator
        from rep_months_and_weeks as periods
        cross join types

        union all

        select
            'rep_week' as entity,
            null as entity_key,
            rep as entity_id,
            'all' as company,
            {{ cuts }},
            activity_type,
            greatest(month_start, week_start) as period_on,
            null as counts_in,
            'numerator' as side,
            activities as numerator,
            null as denominator
        from of_reps
    )

select
    'default' as variant,
    'activity' as entity,
    activity_key as entity_key,
    activity_id as entity_id,
    'all' as company,
    rep,
    team_key as team,
    manager,
    region_key as region,
    segment_key as segment,
    activity_type,
    occurred_on as period_on,
    cast(null as {{ text }}) as counts_in,
    cast(null as {{ text }}) as side,
    1 as numerator,
    cast(null as bigint) as denominator,
    case when is_deleted then 'deleted' end as exclusion_reason
from activities

union all

select
    'per_rep_day' as variant,
    entity,
    entity_key,
    entity_id,
    company,
    {{ cuts }},
    activity_type,
    period_on,
    counts_in,
    side,
    numerator,
    denominator,
    null as exclusion_reason
from per_rep_day
