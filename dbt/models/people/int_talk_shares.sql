{%- set scopes = {
    "near": ["metric", "month_start", "role", "segment", "tenure_band"],
    "wide": ["metric", "month_start", "role"],
} -%}
-- How often each rep's records came to what is wanted in the six months up to one, beside peers' in
-- the same months, and the chance of so great a difference where there is none.
with
    people as (
        select *, {{ month_number("month_start") }} as month_number from {{ ref("int_rep_months") }}
    ),

    counts as (
        select
            dimension_key as rep_id,
            period_start as month_start,
            metric,
            cast(numerator as {{ double_type() }}) as successes,
            cast(denominator as {{ double_type() }}) as trials
        from {{ ref("kpi_values") }}
        where
            period_grain = 'month'
            and dimension = 'rep'
            and (
                {%- for metric, said in talk_shares().items() %}
                    (metric = '{{ metric }}' and variant = '{{ said[0] }}')
                    {{- " or" if not loop.last }}
                {%- endfor %}
            )
    ),

    metrics as (select * from {{ ref("int_rep_metrics") }}),

    months as (
        {%- for metric, said in talk_shares().items() %}
            select people.*, '{{ metric }}' as metric, '{{ said[0] }}' as variant
            from people {{ "union all" if not loop.last }}
        {%- endfor %}
    ),

    windows as (
        select
            months.*,
            sum(coalesce(counts.successes, 0)) over six_months as successes,
            sum(coalesce(counts.trials, 0)) over six_months as trials
        from months
        left join
            counts
            on months.rep_id = counts.rep_id
            and months.month_start = counts.month_start
            and months.metric = counts.metric
        window
            six_months as (
                partition by months.rep_id, months.metric
                order by
                    months.month_number
                    range between {{ talk_window() | int - 1 }} preceding and current row
            )
    ),

    sampled as (
        select
            *,
            {{ or_none("segment") }} as own_segment,
            is_peer and {{ is_enough("trials") }} as is_sampled
        from windows
        where month_start >= {{ first_talk_month() }}
    ),

    beside_peers as (
        select
            *
            {%- for scope, group in scopes.items() %}
                {%- set key = group | join(", ") | replace("segment", "own_segment") %},
                sum(case when is_sampled then 1 else 0 end) over (partition by {{ key }})
                - case when is_sampled then 1 else 0 end as {{ scope }}_peers
                {%- for count in ["successes", "trials"] %}
                    ,
                    sum(case when is_sampled then {{ count }} else 0 end) over (
                        partition by {{ key }}
                    )
                    - case when is_sampled then {{ count }} else 0 end as {{ scope }}_{{ count }}
                {%- endfor %}
            {%- endfor %}
        from sampled
    ),

    chosen as (
        select
            *,
            case
                when {{ are_enough_peers("near_peers") }}
                then 'role, segment and tenure'
                when {{ are_enough_peers("wide_peers") }}
                then 'role'
            end as peer_group,
            case
                when {{ are_enough_peers("near_peers") }} then near_successes else wide_successes
            end as peer_successes,
            case
                when {{ are_enough_peers("near_peers") }} then near_trials else wide_trials
            end as peer_trials,
            case
                when {{ are_enough_peers("near_peers") }} then near_peers else wide_peers
            end as n_peers
        from beside_peers
        where is_sampled
    ),

    measured as (
        select
            chosen.*,
            metrics.better,
            {{ share_z("successes", "trials", "peer_successes", "peer_trials") }} as z_above,
            {{ share_z("peer_successes", "peer_trials", "successes", "trials") }} as z_below
        from chosen
        inner join metrics on chosen.metric = metrics.metric and chosen.variant = metrics.variant
        where peer_group is not null
    ),

    directed as (
        select
            *,
            case when better = 'up' then z_below else z_above end as z_worse,
            case when better = 'up' then z_above else z_below end as z_better
        from measured
    ),

    final as (
        select
            rep_id,
            month_start,
            metric,
            variant,
            better,
            successes,
            trials,
            {{ ratio("successes", "trials") }} as value,
            {{ ratio("peer_successes", "peer_trials") }} as comparison,
            {{ wilson_low("successes", "trials") }} as low,
            {{ wilson_high("successes", "trials") }} as high,
            peer_group,
            n_peers,
            peer_trials,
            {{ normal_tail("z_worse") }} as p_worse,
            {{ normal_tail("z_better") }} as p_better
        from directed
    )

select *
from final
