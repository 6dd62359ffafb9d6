{%- set cuts = {
    "company": "'all'",
    "rep": "rep",
    "team": "team",
    "manager": "manager",
    "region": "region",
    "segment": "segment",
} %}
-- Team and manager are those of the period's end. A quota of 0 is neither reached nor missed.
with
    members as (
        select
            period_grain,
            period_start,
            rep,
            quota,
            won,
            case
                when exclusion_reason is not null
                then 'no_quota'
                when not coalesce(quota > 0, false)
                then 'zero_quota'
            end as exclusion_reason,
            least(
                cast(
                    case
                        period_grain
                        {%- for grain, months in [("month", 1), ("quarter", 3), ("year", 12)] %}
                            when '{{ grain }}'
                            then
                                {{
                                    dbt.dateadd(
                                        "day", -1, dbt.dateadd("month", months, "period_start")
                                    )
                                }}
                        {%- endfor %}
                        else {{ as_of_day() }}
                    end as date
                ),
                {{ as_of_day() }}
            ) as ends_on
        from {{ ref("int_quota_attainment__members") }}
        where
            dimension = 'rep'
            and measure = 'revenue'
            and (period_start is null or period_start <= {{ current_month() }})
    ),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    attributed as (
        select
            members.*,
            {{ or_none("versions.team") }} as team,
            {{ or_none("versions.manager_id") }} as manager,
            {{ or_none("reps.region") }} as region,
            {{ or_none("reps.segment") }} as segment,
            case when coalesce(members.won, 0) >= members.quota then 1 else 0 end as is_at_quota
        from members
        left join reps on members.rep = reps.rep_id
        left join
            versions
            on members.rep = versions.rep_id
            and {{ is_version_on("versions", "members.ends_on") }}
    ),

    counted as (
        {%- for dimension, key in cuts.items() %}
            select
                period_grain,
                period_start,
                '{{ dimension }}' as dimension,
                {{ key }} as dimension_key,
                sum(case when exclusion_reason is null then is_at_quota else 0 end) as numerator,
                count(case when exclusion_reason is null then 1 end) as denominator,
                count(exclusion_reason) as n_excluded
            from attributed
            group by
                period_grain,
                period_start{{ ', ' ~ key if dimension != 'company' }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    valued as (
        select
            'default' as variant,
            period_grain,
            period_start,
            dimension,
            dimension_key,
            {{ ratio("numerator", "denominator") }} as value,
            numerator,
            denominator,
            denominator as n_included,
            n_excluded
        from counted
    )

    {{ kpi_rows("valued", "reps_at_quota", "ratio") }}
