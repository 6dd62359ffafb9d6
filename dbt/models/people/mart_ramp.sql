{%- set measures = {"attainment": "quota_attainment", "activities": "activities"} -%}
-- How reps get going: each month of the first two years beside what reps of a year and more then
-- had,
-- the rep left out. Who has not won yet, or not reached a quota, has the days so far. Of somebody
-- who
-- came before the records begin, nobody knows what the first deal was.
with
    months as (select * from {{ ref("int_rep_months") }} where role = 'rep'),

    hired as (
        select
            rep_id,
            hired_on,
            hired_on >= company_first_on as is_start_known,
            max(active_to) as last_on
        from months
        where hired_on is not null
        group by rep_id, hired_on, hired_on >= company_first_on
    ),

    measures as (
        select
            measures.rep_id,
            measures.month_start,
            measures.metric,
            measures.value,
            coalesce(months.is_tenured, false)
            and measures.is_peer
            and measures.is_enough_data as is_of_sample
        from {{ ref("int_rep_measures") }} as measures
        inner join
            months on measures.rep_id = months.rep_id and measures.month_start = months.month_start
        where
            measures.variant = 'default'
            and measures.metric in ('{{ measures.values() | join("', '") }}')
    ),

    tenured as (
        select
            *,
            row_number() over (partition by metric, month_start order by value, rep_id) as place,
            count(*) over (partition by metric, month_start) as n
        from measures
        where is_of_sample
    ),

    samples as (
        select metric, month_start, n, {{ about_the_middle("value") }}
        from tenured
        group by metric, month_start, n
    ),

    wins as (
        select rep as rep_id, period_on as won_on
        from {{ ref("kpi_members") }}
        where metric = 'deals_won' and variant = 'default' and exclusion_reason is null
    ),

    -- What somebody is said to have won before coming was another's.
    first_wins as (
        select hired.rep_id, min(wins.won_on) as won_on
        from hired
        inner join wins on hired.rep_id = wins.rep_id and wins.won_on >= hired.hired_on
        group by hired.rep_id
    ),

    quotas_reached as (
        select
            hired.rep_id,
            min(case when measures.value >= 1 then measures.month_start end) as reached_month
        from hired
        inner join
            measures
            on hired.rep_id = measures.rep_id
            and measures.month_start >= {{ month_start("hired.hired_on") }}
        where measures.metric = 'quota_attainment' and measures.value is not null
        group by hired.rep_id
    ),

    starts as (
        select
            hired.rep_id,
            hired.hired_on,
            coalesce(first_wins.won_on, hired.last_on) as first_deal_or_last_on,
            first_wins.won_on is null as is_censored,
            least(
                cast(
                    {{
                        dbt.dateadd(
                            "day", -1, dbt.dateadd("month", 1, "quotas_reached.reached_month")
                        )
                    }} as date
                ),
                hired.last_on
            ) as full_quota_or_last_on,
            quotas_reached.reached_month is null as is_full_quota_censored,
            quotas_reached.rep_id is not null as has_quota,
            hired.is_start_known
        from hired
        left join first_wins on hired.rep_id = first_wins.rep_id
        left join quotas_reached on hired.rep_id = quotas_reached.rep_id
    ),

    compared as (
        select
            months.rep_id,
            months.rep_name,
            months.month_start,
            months.months_since_hire,
            months.is_tenured,
            months.is_whole,
            months.is_over
            {%- for name in measures %}
                ,
                own_{{ name }}.value as {{ name }},
                coalesce({{ name }}_sample.n, 0) - case
                    when {{ name }}_place.rep_id is not null then 1 else 0
                end as tenured_{{ name }}_reps,
                {{ median_of_others(name ~ "_sample", name ~ "_place.place") }}
                as tenured_{{ name }}_median
            {%- endfor %}
        from months
        {%- for name, metric in measures.items() %}
            left join
                measures as own_{{ name }}
                on own_{{ name }}.metric = '{{ metric }}'
                and months.rep_id = own_{{ name }}.rep_id
                and months.month_start = own_{{ name }}.month_start
            left join
                samples as {{ name }}_sample
                on {{ name }}_sample.metric = '{{ metric }}'
                and months.month_start = {{ name }}_sample.month_start
            left join
                tenured as {{ name }}_place
                on {{ name }}_place.metric = '{{ metric }}'
                and months.rep_id = {{ name }}_place.rep_id
                and months.month_start = {{ name }}_place.month_start
        {%- endfor %}
        where months.months_since_hire between 0 and 23
    ),

    final as (
        select
            compared.rep_id,
            compared.rep_name,
            cast(compared.months_since_hire as bigint) as months_since_hire,
            compared.month_start,
            compared.is_tenured,
            compared.is_whole,
            compared.is_over,
            {%- for name in measures %}
                cast(compared.{{ name }} as {{ double_type() }}) as {{ name }},
                cast(
                    case
                        when {{ are_enough_peers("compared.tenured_" ~ name ~ "_reps") }}
                        then compared.tenured_{{ name }}_median
                    end as {{ double_type() }}
                ) as tenured_{{ name ~ "_" if name != "attainment" }}median,
                cast(
                    compared.tenured_{{ name }}_reps as bigint
                ) as tenured_{{ name ~ "_" if name != "attainment" }}reps,
            {%- endfor %}
            starts.hired_on,
            cast(
                case
                    when starts.is_start_known
                    then
                        {{ dbt.datediff("starts.hired_on", "starts.first_deal_or_last_on", "day") }}
                end as bigint
            ) as days_to_first_deal,
            case when starts.is_start_known then starts.is_censored end as is_censored,
            cast(
                case
                    when starts.is_start_known and starts.has_quota
                    then
                        {{ dbt.datediff("starts.hired_on", "starts.full_quota_or_last_on", "day") }}
                end as bigint
            ) as days_to_full_quota,
            case
                when starts.is_start_known and starts.has_quota then starts.is_full_quota_censored
            end as is_full_quota_censored
        from compared
        inner join starts on compared.rep_id = starts.rep_id
    )

select *
from final
