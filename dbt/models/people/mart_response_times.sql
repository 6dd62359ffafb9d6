-- How soon each person answers leads, beside peers: others of the same role. Slow is who
-- answers more than half of them later than twice what is usual among peers, beyond chance.
with
    answers as (
        select rep as rep_id, numerator as hours
        from {{ ref("kpi_members") }}
        where
            metric = 'lead_response_hours'
            and variant = 'default'
            and exclusion_reason is null
            and rep <> '(none)'
            and period_on > {{ dbt.dateadd("year", -1, as_of_day()) }}
            and period_on <= {{ as_of_day() }}
    ),

    reps as (select * from {{ ref("dim_rep") }}),

    answered as (
        select
            answers.*,
            coalesce(reps.role, 'rep') as peer_role,
            row_number() over (partition by answers.rep_id order by answers.hours) as place,
            count(*) over (partition by answers.rep_id) as answered
        from answers
        left join reps on answers.rep_id = reps.rep_id
    ),

    by_rep as (
        select
            rep_id,
            peer_role,
            count(*) as answered,
            {{ median("hours") }} as median_hours,
            {%- for side, rank in [
                ("low", median_low_rank("answered")),
                ("high", "answered + 1 - " ~ median_low_rank("answered")),
            ] %}
                min(
                    case when {{ is_enough("answered") }} and place = {{ rank }} then hours end
                ) as {{ side }} {{- "," if not loop.last }}
            {%- endfor %}
        from answered
        group by rep_id, peer_role
    ),

    peers as (select * from answered where {{ is_enough("answered") }}),

    of_peers as ({{ medians_without_own("by_rep", "peers", ["peer_role"], "hours") }}),

    compared as (
        select
            by_rep.*,
            reps.rep_name,
            reps.role,
            reps.team,
            coalesce(of_peers.reps, 0) as n_peers,
            case
                when {{ are_enough_peers("of_peers.reps") }} then of_peers.median
            end as peer_median_hours,
            {{ is_enough("by_rep.answered") }} and reps.is_active as is_judged
        from by_rep
        left join of_peers on by_rep.rep_id = of_peers.rep_id
        left join reps on by_rep.rep_id = reps.rep_id
    ),

    late as (
        select
            compared.rep_id,
            compared.answered,
            count(case when answered.hours > 2 * compared.peer_median_hours then 1 end) as late
        from compared
        inner join answered on compared.rep_id = answered.rep_id
        where compared.is_judged and compared.peer_median_hours is not null
        group by compared.rep_id, compared.answered
    ),

    outcomes as (select rep_id, answered, {{ each_number("late", "answered") }} as k from late),

    -- The sign test: the chance that so many or more are late, were it half of them.
    chances as (
        select
            rep_id,
            least(
                {{
                    sum_of_shares(
                        exponential(
                            ln_factorial("answered")
                            ~ " - "
                            ~ ln_factorial("k")
                            ~ " - "
                            ~ ln_factorial("answered - k")
                            ~ " - answered * "
                            ~ "ln(cast(2 as "
                            ~ double_type()
                            ~ "))"
                        )
                    )
                }},
                1
            ) as p_value
        from outcomes
        group by rep_id
    ),

    in_turn as (
        select *, {{ times_tests_left("p_value", "p_value, rep_id") }} as times_left from chances
    ),

    corrected as (
        select
            rep_id,
            p_value,
            {{ greatest_so_far("times_left", "p_value, rep_id") }} as p_value_corrected
        from in_turn
    ),

    final as (
        select
            compared.rep_id,
            compared.rep_name,
            compared.role,
            compared.team,
            cast(compared.answered as bigint) as answered,
            cast(late.late as bigint) as late,
            cast(compared.median_hours as {{ double_type() }}) as median_hours,
            cast(compared.low as {{ double_type() }}) as low,
            cast(compared.high as {{ double_type() }}) as high,
            cast(compared.peer_median_hours as {{ double_type() }}) as peer_median_hours,
            cast(compared.n_peers as bigint) as n_peers,
            corrected.p_value_corrected < {{ alarm_level() }} as is_slow,
            cast(corrected.p_value as {{ double_type() }}) as p_value,
            cast(corrected.p_value_corrected as {{ double_type() }}) as p_value_corrected
        from compared
        left join late on compared.rep_id = late.rep_id
        left join corrected on compared.rep_id = corrected.rep_id
    )

select *
from final
