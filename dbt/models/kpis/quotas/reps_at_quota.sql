-- Reps with a quota of their own, by period. Team and manager are those of the period's end. A
-- quota of 0 is neither reached nor missed.
with
    quotas as (
        select
            period_grain,
            period_start,
            rep,
            quota,
            won,
            exclusion_reason,
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
        from {{ ref("int_quota_attainment__periods") }}
        where
            dimension = 'rep'
            and measure = 'revenue'
            and (period_start is null or period_start <= {{ current_month() }})
    ),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }})

select
    'default' as variant,
    'user' as entity,
    reps.user_key as entity_key,
    quotas.rep as entity_id,
    quotas.rep,
    {{ or_none("versions.team") }} as team,
    {{ or_none("versions.manager_id") }} as manager,
    {{ or_none("reps.region") }} as region,
    {{ or_none("reps.segment") }} as segment,
    quotas.period_start as period_on,
    quotas.period_grain as counts_in,
    case when coalesce(quotas.won, 0) >= quotas.quota then 1 else 0 end as numerator,
    1 as denominator,
    case
        when quotas.exclusion_reason = 'no_rate'
        then 'no_rate'
        when quotas.exclusion_reason is not null
        then 'no_quota'
        when not coalesce(quotas.quota > 0, false)
        then 'zero_quota'
    end as exclusion_reason
from quotas
left join reps on quotas.rep = reps.rep_id
left join
    versions on quotas.rep = versions.rep_id and {{ is_version_on("versions", "quotas.ends_on") }}
