-- One row per quota: whom it is for, which days it covers, what it is worth in the company's
-- currency.
--
-- A quota of somebody who has reports in its period is the target of their team: it is for the
-- `manager`, and adds to no sum, unless company.yml says that it is personal.
with
    quotas as (select * from {{ ref("int_quotas__unioned") }} where not is_deleted),

    people as (select rep_id, left_on from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }} where not is_deleted),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    dated as (
        select
            *,
            cast(
                case
                    period_grain
                    when 'month'
                    then {{ dbt.dateadd("month", 1, "period_start") }}
                    when 'quarter'
                    then {{ dbt.dateadd("month", 3, "period_start") }}
                    else {{ dbt.dateadd("year", 1, "period_start") }}
                end as date
            ) as next_start,
            case
                when measure = 'revenue' then coalesce(currency, '{{ var("currency") }}')
            end as quota_currency,
            least(period_start, {{ as_of_day() }}) as rate_on
        from quotas
    ),

    of_managers as (
        select distinct dated.quota_key
        from dated
        inner join
            versions
            on dated.owner_id = versions.manager_id
            and dated.owner_id <> versions.rep_id
            and dated.period_start < versions.next_day
            and dated.next_start > versions.first_day
        left join people on versions.rep_id = people.rep_id
        where
            (people.left_on is null or people.left_on >= dated.period_start)
            and not {{ is_personal("dated.owner_id") }}
    ),

    targeted as (
        select
            dated.*,
            case
                when of_managers.quota_key is not null
                then 'manager'
                when dated.owner_id is not null
                then 'rep'
                when dated.team is not null
                then 'team'
                else 'company'
            end as target,
            coalesce(dated.owner_id, dated.team, 'all') as target_key,
            {{ fx_rate("dated.quota_currency", "rates") }} as fx_rate
        from dated
        left join of_managers on dated.quota_key = of_managers.quota_key
        left join rates on dated.quota_currency = rates.currency and dated.rate_on = rates.date_day
    ),

    keys as (
        select
            target,
            target_key,
            measure,
            period_grain,
            period_start,
            count(*) as times_given,
            string_agg(distinct source_instance, ', ' order by source_instance) as given_by
        from targeted
        group by target, target_key, measure, period_grain, period_start
    ),

    final as (
        select
            targeted.quota_key,
            targeted.source_system,
            targeted.source_instance,
            targeted.source_id as quota_id,
            targeted.target,
            targeted.target_key,
            targeted.measure,
            targeted.period_grain,
            targeted.period_start,
            cast({{ dbt.dateadd("day", -1, "targeted.next_start") }} as date) as period_end,
            cast(
                {{ dbt.datediff("targeted.period_start", "targeted.next_start", "day") }} as integer
            ) as days_in_period,
            cast(targeted.amount as {{ numeric_type() }}) as amount_native,
            targeted.quota_currency as currency,
            cast(targeted.fx_rate as {{ rate_type() }}) as fx_rate,
            case
                when targeted.measure = 'revenue'
                then {{ reporting_amount("targeted.amount", "targeted.fx_rate") }}
                else cast(targeted.amount as {{ numeric_type() }})
            end as amount,
            keys.times_given,
            keys.given_by
        from targeted
        inner join
            keys
            on targeted.target = keys.target
            and targeted.target_key = keys.target_key
            and targeted.measure = keys.measure
            and targeted.period_grain = keys.period_grain
            and targeted.period_start = keys.period_start
    )

select *
from final
