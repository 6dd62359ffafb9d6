{%- set text = dbt.type_string() -%}
{%- set month = "left(cast(month_start as " ~ text ~ "), 7)" -%}
{%- set currency = " " ~ var("currency") -%}
-- What is so whatever chance has to do with it: quotas met or missed, open deals that call for
-- something now, the stage to coach on, what is worth a word of praise.
with
    quotas as (select * from {{ ref("int_talk_quotas") }}),

    deals as (select * from {{ ref("int_talk_deals") }}),

    skills as (select * from {{ ref("int_talk_skills") }}),

    recognitions as (
        select *
        from {{ ref("mart_recognition") }}
        where month_start >= {{ first_talk_month() }} and record_keys is not null
    ),

    people as (
        select rep_id, month_start
        from {{ ref("int_rep_months") }}
        where month_start = {{ current_month() }}
    ),

    united as (
        select
            rep_id,
            month_start,
            case when won < quota then 'discuss' else 'celebrate' end as kind,
            'quota' as basis,
            'revenue_won' as theme,
            'quota_attainment' as metric,
            attainment as value,
            cast(1 as {{ double_type() }}) as comparison,
            low,
            high,
            deals as n,
            abs(quota - won) as money,
            'deals_won' as keys_metric,
            cast(null as {{ text }}) as record_keys,
            'Won '
            || {{ told_whole("won") }}
            || ' of '
            || {{ told_whole("quota") }}
            || '{{ currency }} of quota in '
            || {{ told_whole("months") }}
            || ' whole months up to '
            || left(cast(last_month as {{ text }}), 7)
            || ': '
            || {{ whole_percent("attainment") }}
            || coalesce(
                ' (95% interval '
                || {{ whole_percent("low") }}
                || ' to '
                || {{ whole_percent("high") }}
                || case
                    when low < 1 and high >= 1
                    then '; so much to either side can be chance)'
                    else ')'
                end,
                ''
            )
            || '.' as sentence
        from quotas

        union all

        select
            deals.rep_id,
            people.month_start,
            'discuss' as kind,
            'deals' as basis,
            'open_deals' as theme,
            deals.metric,
            deals.value,
            deals.comparison,
            deals.low,
            deals.high,
            deals.deals as n,
            deals.expected as money,
            null as keys_metric,
            deals.record_keys,
            {{ told_whole("deals.found") }}
            || ' of '
            || {{ told_whole("deals.deals") }}
            || ' open deals '
            || case
                deals.metric
                when 'open_deals_at_risk'
                then 'show three signs or more that they may not close as expected: '
                else 'have a next step that is overdue: '
            end
            || {{ whole_percent("deals.value") }}
            || coalesce(
                ', beside ' || {{ whole_percent("deals.comparison") }} || ' of others''', ''
            )
            || ' (95% interval '
            || {{ whole_percent("deals.low") }}
            || ' to '
            || {{ whole_percent("deals.high") }}
            || '). By their stages '
            || {{ told_whole("deals.expected") }}
            || '{{ currency }} are expected of them.' as sentence
        from deals
        inner join people on deals.rep_id = people.rep_id

        union all

        select
            skills.rep_id,
            people.month_start,
            'discuss' as kind,
            'skill' as basis,
            'stage_conversion_rate' as theme,
            'stage_conversion_rate' as metric,
            skills.conversion as value,
            skills.peer_conversion as comparison,
            skills.low,
            skills.high,
            skills.n,
            skills.money,
            null as keys_metric,
            skills.record_keys,
            'Of '
            || {{ told_whole("skills.n") }}
            || ' visits of deals to '
            || skills.stage
            || ' that ended in twelve months '
            || {{ whole_percent("skills.conversion") }}
            || ' got on, of peers'' '
            || {{ whole_percent("skills.peer_conversion") }}
            || ' (95% interval '
            || {{ whole_percent("skills.low") }}
            || ' to '
            || {{ whole_percent("skills.high") }}
            || ')'
            || coalesce(
                '; at the company''s usual rates that is about '
                || {{ told_whole("skills.money") }}
                || '{{ currency }}',
                ''
            )
            || '.' as sentence
        from skills
        inner join people on skills.rep_id = people.rep_id

        union all

        select
            rep_id,
            month_start,
            'celebrate' as kind,
            kind as basis,
            metric as theme,
            metric,
            value,
            previous as comparison,
            value as low,
            value as high,
            n_records as n,
            case when metric = 'revenue_won' then value - previous end as money,
            null as keys_metric,
            record_keys,
            sentence
        from recognitions
    )

select *
from united
