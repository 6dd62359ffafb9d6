{%- set cell = "variant, period_grain, period_start, dimension, dimension_key" -%}
-- Reps with what they won and their quotas, and the quotas of teams, managers and the company, by
-- cut and period. Such a quota is on the side of the denominator, unless nobody is behind it yet:
-- then it is a record. A cut with a quota that no rate values has no quota: a part of it would be
-- reached too soon; what was won counts all the same.
with
    quotas as (
        select
            *,
            count(case when exclusion_reason = 'no_rate' then 1 end) over (
                partition by {{ cell }}
            ) as n_without_rate,
            count(case when exclusion_reason is null then rep end) over (
                partition by {{ cell }}
            ) as n_reps
        from {{ ref("int_quota_attainment__periods") }}
        where
            (period_start is null or period_start <= {{ current_month() }})
            and coalesce(exclusion_reason, '') <> 'quota_of_others'
    ),

    manned as (
        select distinct variant, period_grain, period_start, dimension_key as team
        from quotas
        where dimension = 'team' and rep is not null and exclusion_reason is null
    ),

    judged as (
        select quotas.*, quotas.own_team is not null and manned.team is null as is_of_empty_team
        from quotas
        left join
            manned
            on quotas.own_team = manned.team
            and quotas.variant = manned.variant
            and quotas.period_grain = manned.period_grain
            and quotas.period_start is not distinct from manned.period_start
    ),

    sides as (
        select
            *,
            case
                when rep is not null or exclusion_reason is not null or is_of_empty_team
                then null
                when
                    own_team is null
                    and n_reps = 0
                    and n_without_rate = 0
                    and sum(case when is_of_empty_team then 1 else 0 end) over (
                        partition by {{ cell }}
                    )
                    = 0
                then null
                else 'denominator'
            end as side
        from judged

        union all

        select *, 'numerator' as side
        from judged
        where exclusion_reason = 'no_rate'
    ),

    reps as (select * from {{ ref("dim_rep") }})

select
    sides.variant,
    case when sides.rep is null then 'quota' else 'user' end as entity,
    reps.user_key as entity_key,
    coalesce(sides.rep, sides.own_team, sides.dimension_key) as entity_id,
    {{ keys_of_cell(["company", "rep", "team", "manager", "region", "segment"], "sides") }},
    sides.period_start as period_on,
    sides.period_grain as counts_in,
    sides.side,
    sides.won as numerator,
    case when sides.n_without_rate = 0 then sides.quota end as denominator,
    case when sides.side is null then sides.exclusion_reason end as exclusion_reason
from sides
left join reps on sides.rep = reps.rep_id
