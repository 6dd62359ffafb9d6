{%- set text = dbt.type_string() -%}
{%- set shared = [
    "rep_id",
    "month_start",
    "kind",
    "basis",
    "theme",
    "metric",
    "value",
    "comparison",
    "low",
    "high",
    "n",
    "money",
    "keys_metric",
    "sentence",
] -%}
{%- set with_members = ["deals_won"] + talk_shares() | list + talk_levels() | list -%}
-- Per rep and month at most three things to talk about and one to celebrate: those with the most
-- money, and of those of which no money can be told, the least likely by chance.
with
    united as (
        select
            {{ shared | join(", ") }},
            variant,
            chance,
            keys_wanted,
            cast(null as {{ text }}) as record_keys
        from {{ ref("int_talk_differences") }}

        union all

        select
            {{ shared | join(", ") }},
            'default' as variant,
            cast(null as {{ double_type() }}) as chance,
            'all' as keys_wanted,
            record_keys
        from {{ ref("int_talk_facts") }}
    ),

    -- What is about the same thing is told once.
    by_theme as (
        select
            *,
            row_number() over (
                partition by rep_id, month_start, kind, theme
                order by money desc nulls last, coalesce(chance, 0), metric, basis
            ) as place_in_theme
        from united
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by rep_id, month_start, kind
                order by money desc nulls last, coalesce(chance, 0), metric, basis
            ) as place
        from by_theme
        where place_in_theme = 1
    ),

    chosen as (
        select *, case when kind = 'discuss' then place else 4 end as talk_rank
        from ranked
        where (kind = 'discuss' and place <= 3) or (kind = 'celebrate' and place = 1)
    ),

    members as (
        select metric, variant, rep, entity_id, period_on, coalesce(numerator, 0) as numerator
        from {{ ref("kpi_members") }}
        where
            exclusion_reason is null
            and side is null
            and (counts_in is null or counts_in = 'month')
            and metric in ('{{ with_members | join("', '") }}')
            and period_on >= {{ dbt.dateadd("month", -6, first_talk_month()) }}
    ),

    behind as (
        select
            chosen.rep_id,
            chosen.month_start,
            chosen.talk_rank,
            members.entity_id,
            max(members.period_on) as period_on
        from chosen
        inner join
            members
            on chosen.keys_metric = members.metric
            and chosen.variant = members.variant
            and chosen.rep_id = members.rep
        where
            members.period_on
            >= {{ dbt.dateadd("month", 1 - (talk_window() | int), "chosen.month_start") }}
            and members.period_on < {{ dbt.dateadd("month", 1, "chosen.month_start") }}
            and case
                chosen.keys_wanted
                when 'missed'
                then members.numerator = 0
                when 'made'
                then members.numerator > 0
                else true
            end
        group by chosen.rep_id, chosen.month_start, chosen.talk_rank, members.entity_id
    ),

    in_order as (
        select
            *,
            row_number() over (
                partition by rep_id, month_start, talk_rank order by period_on desc, entity_id
            ) as place
        from behind
    ),

    keys as (
        select
            rep_id, month_start, talk_rank, string_agg(entity_id, ',' order by place) as record_keys
        from in_order
        where place <= {{ talk_keys() }}
        group by rep_id, month_start, talk_rank
    ),

    people as (select * from {{ ref("int_rep_months") }}),

    final as (
        select
            chosen.rep_id,
            people.rep_name,
            people.team,
            people.manager_id,
            chosen.month_start,
            cast(chosen.talk_rank as integer) as rank,
            cast(chosen.kind as {{ text }}) as kind,
            cast(chosen.basis as {{ text }}) as basis,
            cast(chosen.metric as {{ text }}) as metric,
            cast(chosen.variant as {{ text }}) as variant,
            cast(chosen.value as {{ double_type() }}) as value,
            cast(chosen.comparison as {{ double_type() }}) as comparison,
            cast(chosen.low as {{ double_type() }}) as low,
            cast(chosen.high as {{ double_type() }}) as high,
            cast(chosen.n as bigint) as n,
            cast(chosen.money as {{ numeric_type() }}) as money,
            cast(chosen.chance as {{ double_type() }}) as chance,
            cast(coalesce(chosen.record_keys, keys.record_keys) as {{ text }}) as record_keys,
            cast(chosen.sentence as {{ text }}) as sentence
        from chosen
        inner join
            people on chosen.rep_id = people.rep_id and chosen.month_start = people.month_start
        left join
            keys
            on chosen.rep_id = keys.rep_id
            and chosen.month_start = keys.month_start
            and chosen.talk_rank = keys.talk_rank
    )

select *
from final
