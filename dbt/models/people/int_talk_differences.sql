{%- set text = dbt.type_string() -%}
{%- set month = "left(cast(month_start as " ~ text ~ "), 7)" -%}
-- Where each rep differs from peers, or from what it did before, beyond chance: among all that was
-- compared for the talk of that month, at most one talk in twenty has one where there is nothing.
-- With the money that it is about, at the company's usual rates, where that can be told.
with
    worths as (
        select
            -- A rate of 0 is one of which nothing is told, as where no lead names its deal.
            max(case when metric = 'average_deal_size' then value end) as deal,
            max(case when metric = 'average_deal_size' then value end)
            * nullif(max(case when metric = 'win_rate' then value end), 0) as open_deal,
            max(case when metric = 'average_deal_size' then value end)
            * nullif(max(case when metric = 'lead_conversion_rate' then value end), 0) as lead,
            nullif(max(case when metric = 'win_rate' then value end), 0) as pipeline
        from {{ ref("kpi_values") }}
        where period_grain = 'all' and dimension = 'company' and variant = 'default'
    ),

    shares as (select * from {{ ref("int_talk_shares") }}),

    numbers as (select * from {{ ref("int_talk_months") }}),

    compared as (
        select
            rep_id,
            month_start,
            'share' as basis,
            metric,
            variant,
            better,
            value,
            comparison,
            low,
            high,
            trials as n,
            trials as times,
            p_worse,
            p_better,
            case
                metric
                {%- for metric, (variant, of, what) in talk_shares().items() %}
                    when '{{ metric }}'
                    then
                        'Of '
                        || {{ told_whole("trials") }}
                        || ' {{ of }} in the six months up to '
                        || {{ month }}
                        || ' '
                        || {{ whole_percent("value") }}
                        || ' {{ what }}, of '
                        || {{ told_whole("n_peers") }}
                        || ' peers'''
                        || case
                            when peer_group = 'role'
                            then ' (of the role, not of the same segment and tenure) '
                            else ' '
                        end
                        || {{ whole_percent("comparison") }}
                {%- endfor %}
            end
            || ' (95% interval '
            || {{ whole_percent("low") }}
            || ' to '
            || {{ whole_percent("high") }}
            || ')' as told
        from shares

        union all

        select
            rep_id,
            month_start,
            basis,
            metric,
            variant,
            better,
            value,
            comparison,
            low,
            high,
            n,
            months as times,
            p_worse,
            p_better,
            case
                metric
                {%- for metric, words in talk_levels().items() %}
                    when '{{ metric }}' then '{{ words | capitalize }}'
                {%- endfor %}
            end || case
                when basis = 'level'
                then
                    ': '
                    || {{ told_number("value") }}
                    || case when is_sum then ' a month' else '' end
                    || ' in '
                    || {{ told_whole("months") }}
                    || ' months up to '
                    || {{ month }}
                    || ', where the median of '
                    || {{ told_whole("n_peers") }}
                    || ' peers'
                    || case
                        when peer_group = 'role'
                        then ' (of the role, not of the same segment and tenure)'
                        else ''
                    end
                    || ' was '
                    || {{ told_number("comparison") }}
                else
                    case when value < 0 then ' went down by ' else ' went up by ' end
                    || {{ told_number("abs(value)") }}
                    || ' a month in '
                    || {{ told_whole("months") }}
                    || ' months up to '
                    || {{ month }}
            end
            || ' (95% interval '
            || {{ told_number("low") }}
            || ' to '
            || {{ told_number("high") }}
            || ')' as told
        from numbers
    ),

    corrected as (
        select
            *,
            p_worse * count(*) over (partition by rep_id, month_start) as chance_worse,
            p_better * count(*) over (partition by rep_id, month_start) as chance_better
        from compared
    ),

    beyond_chance as (
        select
            corrected.*,
            case
                when chance_worse < {{ alarm_level() }} then 'discuss' else 'celebrate'
            end as kind,
            least(chance_worse, chance_better) as chance,
            abs(corrected.value - corrected.comparison)
            * corrected.times
            * case
                basis || ' ' || metric
                when 'share win_rate'
                then worths.deal
                when 'share lead_conversion_rate'
                then worths.open_deal
                when 'share lead_response_hours'
                then worths.lead
                when 'level pipeline_created'
                then worths.pipeline
                when 'level revenue_won'
                then 1
            end as money
        from corrected
        cross join worths
        where chance_worse < {{ alarm_level() }} or chance_better < {{ alarm_level() }}
    ),

    final as (
        select
            rep_id,
            month_start,
            kind,
            basis,
            metric as theme,
            metric,
            variant,
            value,
            comparison,
            low,
            high,
            n,
            chance,
            money,
            metric as keys_metric,
            -- The records that did not come to what is wanted, or those that did.
            case
                when basis <> 'share'
                then 'all'
                when (kind = 'discuss') = (better = 'up')
                then 'missed'
                else 'made'
            end as keys_wanted,
            told || coalesce(
                '; at the company''s usual rates that is about '
                || {{ told_whole("money") }}
                || ' {{ var("currency") }}',
                ''
            )
            || '.' as sentence
        from beyond_chance
    )

select *
from final
