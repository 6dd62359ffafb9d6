-- The rows of int_quota_attainment__months summed over the periods. A rep who won something though
-- nothing covered them is excluded, unless something of theirs counts in the period, too. Whom only
-- a team's or the company's quota covers has no attainment of their own: `quota_of_others`. Periods
-- still to come are there with their quotas. A quota without a rate is no quota: `no_rate`.
with
    months as (select * from {{ ref("int_quota_attainment__months") }}),

    by_period as (
        {%- for grain in ["month", "quarter", "year", "all"] %}
            select
                measure,
                '{{ grain }}' as period_grain,
                {{ kpi_period_start("month_start", grain) }} as period_start,
                dimension,
                dimension_key,
                rep,
                own_team,
                case when coalesce(max(lacks_rate), 0) = 0 then sum(quota) end as quota,
                sum(won) as won,
                sum(left_out) as left_out,
                sum(of_others) as of_others,
                max(is_behind) as is_behind,
                max(lacks_rate) as lacks_rate
            from months
            {%- if grain == "all" %} where month_start <= {{ current_month() }} {%- endif %}
            group by
                measure,
                dimension,
                dimension_key,
                rep,
                own_team{{ ', ' ~ kpi_period_start('month_start', grain) if grain != 'all' }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    final as (
        select
            case measure when 'revenue' then 'default' else measure end as variant,
            measure,
            period_grain,
            period_start,
            dimension,
            dimension_key,
            rep,
            own_team,
            quota,
            won,
            case
                when lacks_rate = 1
                then 'no_rate'
                when rep is null or is_behind = 1
                then null
                when left_out > 0
                then 'no_quota'
                else 'quota_of_others'
            end as exclusion_reason
        from by_period
        where rep is null or is_behind = 1 or left_out > 0 or of_others > 0
    )

select *
from final
