{%- set improving = [
    "revenue_won",
    "deals_won",
    "win_rate",
    "quota_attainment",
    "pipeline_created",
] -%}
-- What is worth a word in front of all, by month, with the records that show it. Only reps are
-- praised; a record is one only where nobody's month, also a manager's, was as good before.
with
    measures as (
        select *, {{ month_number("month_start") }} as month_number
        from {{ ref("int_rep_measures") }}
        where variant = 'default' and metric in ('{{ improving | join("', '") }}')
    ),

    revenue as (select * from measures where metric = 'revenue_won' and value is not null),

    hired as (
        select distinct rep_id, hired_on
        from {{ ref("int_rep_months") }}
        where hired_on >= company_first_on and role = 'rep'
    ),

    members as (
        select metric, entity_id, rep as rep_id, period_on, numerator
        from {{ ref("kpi_members") }}
        where
            variant = 'default'
            and metric in ('{{ improving | join("', '") }}')
            and exclusion_reason is null
            and side is null
    ),

    first_deals as (
        select hired.rep_id, hired.hired_on, min(members.period_on) as won_on
        from hired
        inner join
            members
            on hired.rep_id = members.rep_id
            and members.metric = 'deals_won'
            and members.period_on >= hired.hired_on
        group by hired.rep_id, hired.hired_on
    ),

    best_by_month as (
        select
            month_start,
            max(value) as best,
            max(max(value)) over (
                order by month_start rows between unbounded preceding and 1 preceding
            ) as best_before,
            count(*) over (
                order by month_start rows between unbounded preceding and 1 preceding
            ) as months_before
        from revenue
        group by month_start
    ),

    beside_own as (
        select
            *,
            max(value) over (
                partition by rep_id
                order by month_start
                rows between unbounded preceding and 1 preceding
            ) as best_before,
            count(*) over (
                partition by rep_id
                order by month_start
                rows between unbounded preceding and 1 preceding
            ) as months_before
        from revenue
    ),

    -- Beyond what the next month is to be expected to be: the interval of a prediction from six.
    improvements as (
        select
            *,
            avg(case when is_enough_data then value end) over six_before as usual,
            stddev_samp(case when is_enough_data then value end) over six_before as spread,
            count(case when is_enough_data then value end) over six_before as months_before
        from measures
        window
            six_before as (
                partition by rep_id, metric
                order by month_number
                range between 6 preceding and 1 preceding
            )
    ),

    biggest_improvements as (
        select
            *,
            rank() over (
                partition by month_start order by (value - usual) / spread desc
            ) as improvement_rank
        from improvements
        where
            role = 'rep'
            and is_enough_data
            and month_start < {{ month_start(ended_by_day()) }}
            and months_before = 6
            and spread > 0
            and value - usual > {{ t_once_in_forty("5") }} * spread * sqrt(1 + 1 / 6.0)
    ),

    found as (
        select
            {{ month_start("first_deals.won_on") }} as month_start,
            'first_deal' as kind,
            first_deals.rep_id,
            'deals_won' as metric,
            'deals_won' as evidence,
            first_deals.won_on as evidence_until,
            cast(count(*) as {{ double_type() }}) as value,
            cast(0 as {{ double_type() }}) as previous,
            'First deal won, '
            || {{ dbt.datediff("first_deals.hired_on", "first_deals.won_on", "day") }}
            || ' days after the first day here.' as sentence
        from first_deals
        inner join
            members
            on first_deals.rep_id = members.rep_id
            and first_deals.won_on = members.period_on
            and members.metric = 'deals_won'
        group by first_deals.rep_id, first_deals.hired_on, first_deals.won_on

        union all

        select
            revenue.month_start,
            'company_record' as kind,
            revenue.rep_id,
            revenue.metric,
            revenue.metric as evidence,
            null as evidence_until,
            revenue.value,
            best_by_month.best_before as previous,
            'The best month of anyone so far: '
            || {{ said_value("revenue.value", "revenue.unit") }}
            || ' won; the best before was '
            || {{ said_value("best_by_month.best_before", "revenue.unit") }}
            || '.' as sentence
        from revenue
        inner join
            best_by_month
            on revenue.month_start = best_by_month.month_start
            and revenue.value = best_by_month.best
        where
            revenue.role = 'rep'
            and best_by_month.months_before >= 6
            and best_by_month.best > best_by_month.best_before

        union all

        select
            month_start,
            'best_month' as kind,
            rep_id,
            metric,
            metric as evidence,
            null as evidence_until,
            value,
            best_before as previous,
            'The best own month so far: '
            || {{ said_value("value", "unit") }}
            || ' won; the best before was '
            || {{ said_value("best_before", "unit") }}
            || '.' as sentence
        from beside_own
        where role = 'rep' and months_before >= 6 and value > best_before

        union all

        select
            month_start,
            'biggest_improvement' as kind,
            rep_id,
            metric,
            case metric when 'quota_attainment' then 'revenue_won' else metric end as evidence,
            null as evidence_until,
            value,
            usual as previous,
            'The biggest improvement of the month: '
            || replace(metric, '_', ' ')
            || ' of '
            || {{ said_value("value", "unit") }}
            || ' against '
            || {{ said_value("usual", "unit") }}
            || ' in the six months before, and beyond their spread.' as sentence
        from biggest_improvements
        where improvement_rank = 1
    ),

    -- The records that weigh most first; of a first deal those of its day.
    evidence as (
        select
            found.month_start,
            found.kind,
            found.rep_id,
            found.metric,
            members.entity_id,
            row_number() over (
                partition by found.month_start, found.kind, found.rep_id, found.metric
                order by members.numerator desc, members.entity_id
            ) as place
        from found
        inner join
            members
            on found.rep_id = members.rep_id
            and found.evidence = members.metric
            and found.month_start = {{ month_start("members.period_on") }}
        where members.period_on <= coalesce(found.evidence_until, members.period_on)
    ),

    keys as (
        select
            month_start,
            kind,
            rep_id,
            metric,
            count(*) as n_records,
            string_agg(case when place <= 20 then entity_id end, ',' order by place) as record_keys
        from evidence
        group by month_start, kind, rep_id, metric
    ),

    people as (select rep_id, rep_name from {{ ref("dim_rep") }}),

    final as (
        select
            found.month_start,
            cast(found.kind as {{ dbt.type_string() }}) as kind,
            found.rep_id,
            people.rep_name,
            cast(found.metric as {{ dbt.type_string() }}) as metric,
            cast(found.value as {{ double_type() }}) as value,
            cast(found.previous as {{ double_type() }}) as previous,
            cast(coalesce(keys.n_records, 0) as bigint) as n_records,
            cast(keys.record_keys as {{ dbt.type_string() }}) as record_keys,
            cast(found.sentence as {{ dbt.type_string() }}) as sentence,
            found.month_start < {{ month_start(ended_by_day()) }} as is_over
        from found
        inner join people on found.rep_id = people.rep_id
        left join
            keys
            on found.month_start = keys.month_start
            and found.kind = keys.kind
            and found.rep_id = keys.rep_id
            and found.metric = keys.metric
    )

select *
from final
