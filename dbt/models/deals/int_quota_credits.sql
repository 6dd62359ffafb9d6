-- What counts against quotas, by day and person: revenue and deals won on the day of closing,
-- activities when they occurred. Only measures of which there are quotas.
with
    measures as (select distinct measure from {{ ref("int_quotas__daily") }}),

    won as (select * from {{ ref("fct_opportunities") }} where is_won and closed_on is not null),

    versions as (select * from {{ ref("int_user_versions") }}),

    activities as (
        select
            {{ or_none("activities.owner_id") }} as rep,
            {{ or_none("versions.team") }} as team,
            {{ or_none("versions.manager_id") }} as manager,
            {{ local_day("activities.occurred_at") }} as date_day
        from {{ ref("int_activities__unioned") }} as activities
        left join
            versions
            on activities.owner_id = versions.rep_id
            and {{ is_version_at("versions", "activities.occurred_at") }}
        where
            exists (select 1 from measures where measure = 'activities')
            and {{ happened("activities") }}
    ),

    united as (
        {%- for measure, credit in [("revenue", "sum(amount)"), ("deals", "count(*)")] %}
            select
                '{{ measure }}' as measure,
                closed_on as date_day,
                {{ or_none("rep_id") }} as rep,
                {{ or_none("team") }} as team,
                {{ or_none("manager_id") }} as manager,
                cast({{ credit }} as {{ numeric_type() }}) as credit
            from won
            {%- if measure == "revenue" %} where amount is not null {%- endif %}
            group by
                closed_on,
                {{ or_none("rep_id") }},
                {{ or_none("team") }},
                {{ or_none("manager_id") }}

            union all
        {% endfor %}
        select
            'activities' as measure,
            date_day,
            rep,
            team,
            manager,
            cast(count(*) as {{ numeric_type() }}) as credit
        from activities
        group by date_day, rep, team, manager
    ),

    final as (
        select
            united.measure,
            {{ month_start("united.date_day") }} as month_start,
            united.date_day,
            united.rep,
            united.team,
            united.manager,
            {{ or_none("reps.region") }} as region,
            {{ or_none("reps.segment") }} as segment,
            united.credit
        from united
        inner join measures on united.measure = measures.measure
        left join {{ ref("dim_rep") }} as reps on united.rep = reps.rep_id
    )

select *
from final
