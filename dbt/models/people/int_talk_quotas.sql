{%- set sums = {
    "won": "won",
    "quota": "quota",
    "deals": "deals",
    "won_squares": "won * won",
    "products": "won * quota",
    "quota_squares": "quota * quota",
} -%}
-- What each rep won beside quota in the months of the six up to one that are over, with the
-- interval
-- that the scatter of the months leaves: that of a ratio of sums.
with
    people as (
        select *, {{ month_number("month_start") }} as month_number from {{ ref("int_rep_months") }}
    ),

    numbers as (
        select
            dimension_key as rep_id,
            period_start as month_start,
            max(
                case
                    when metric = 'quota_attainment' then cast(numerator as {{ double_type() }})
                end
            ) as won,
            max(
                case
                    when metric = 'quota_attainment' then cast(denominator as {{ double_type() }})
                end
            ) as quota,
            max(case when metric = 'deals_won' then n_included end) as deals
        from {{ ref("kpi_values") }}
        where
            period_grain = 'month'
            and dimension = 'rep'
            and metric in ('quota_attainment', 'deals_won')
            and variant = 'default'
            and period_start < {{ month_start(ended_by_day()) }}
        group by dimension_key, period_start
    ),

    with_quota as (
        select rep_id, month_start, coalesce(won, 0) as won, quota, coalesce(deals, 0) as deals
        from numbers
        where quota > 0
    ),

    windows as (
        select
            people.rep_id,
            people.month_start,
            count(with_quota.quota) over six_months as months
            {%- for name, sql in sums.items() %}
                , sum({{ sql }}) over six_months as {{ name }}
            {%- endfor %},
            min(won) over six_months as least_won
        from people
        left join
            with_quota
            on people.rep_id = with_quota.rep_id
            and people.month_start = with_quota.month_start
        window
            six_months as (
                partition by people.rep_id
                order by
                    people.month_number
                    range between {{ talk_window() | int - 1 }} preceding and current row
            )
    ),

    attained as (
        select *, won / quota as attainment
        from windows
        where months >= 4 and month_start >= {{ first_talk_month() }}
    ),

    margins as (
        select
            *,
            {{ t_once_in_forty("months - 1") }} * sqrt(
                greatest(
                    won_squares
                    - 2 * attainment * products
                    + attainment * attainment * quota_squares,
                    0
                )
                * months
                / (months - 1)
            )
            / quota as margin
        from attained
    ),

    final as (
        select
            rep_id,
            month_start,
            months,
            won,
            quota,
            deals,
            attainment,
            case
                when least_won >= 0 then greatest(attainment - margin, 0) else attainment - margin
            end as low,
            attainment + margin as high
        from margins
    )

select *
from final
