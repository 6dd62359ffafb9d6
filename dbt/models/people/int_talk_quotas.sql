{%- set sums = {
    "won": "won",
    "quota": "quota",
    "deals": "deals",
    "not_valued": "deals_not_valued",
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

    -- What was won and has no amount, or no rate for it.
    not_valued as (
        select rep as rep_id, {{ month_start("period_on") }} as month_start, count(*) as deals
        from {{ ref("kpi_members") }}
        where
            metric = 'revenue_won'
            and variant = 'default'
            and exclusion_reason in ('no_amount', 'no_rate')
        group by rep, {{ month_start("period_on") }}
    ),

    with_quota as (
        select
            numbers.rep_id,
            numbers.month_start,
            coalesce(numbers.won, 0) as won,
            numbers.quota,
            coalesce(numbers.deals, 0) as deals,
            coalesce(not_valued.deals, 0) as deals_not_valued
        from numbers
        left join
            not_valued
            on numbers.rep_id = not_valued.rep_id
            and numbers.month_start = not_valued.month_start
        where numbers.quota > 0
    ),

    windows as (
        select
            people.rep_id,
            people.month_start,
            count(with_quota.quota) over six_months as months
            {%- for name, sql in sums.items() %}
                , sum({{ sql }}) over six_months as {{ name }}
            {%- endfor %},
            min(won) over six_months as least_won,
            max(with_quota.month_start) over six_months as last_month
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
        where
            months >= 4
            and month_start >= {{ first_talk_month() }}
            and not {{ is_too_unknown("not_valued", "deals") }}
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
            last_month,
            won,
            quota,
            deals,
            attainment,
            -- Months that are all alike say nothing of how far others may be from them.
            case
                when margin > 0 and least_won >= 0
                then greatest(attainment - margin, 0)
                when margin > 0
                then attainment - margin
            end as low,
            case when margin > 0 then attainment + margin end as high
        from margins
    )

select *
from final
