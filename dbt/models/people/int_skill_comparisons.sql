-- Per rep, pipeline and stage: how many visits advanced, and how many would have, had peers
-- led them. Peers are compared stratum by stratum: visits that ended in the same quarter, led
-- by people with the same tenure; where these have fewer than ten, by all peers in the stage.
{%- set stage_key = ["source_instance", "pipeline", "stage"] %}
{%- set stratum_key = stage_key + ["tenure", "quarter_start"] %}
with
    visits as (select * from {{ ref("int_skill_visits") }}),

    by_rep_and_stratum as (
        select
            {{ stratum_key | join(", ") }},
            rep_id,
            max(stage_order) as stage_order,
            count(*) as visits,
            sum(is_advanced) as advanced,
            count(case when is_led_throughout then 1 end) as visits_led,
            sum(case when is_led_throughout then is_advanced else 0 end) as advanced_led,
            count(case when is_peer then 1 end) as visits_as_peer,
            sum(case when is_peer then is_advanced else 0 end) as advanced_as_peer
        from visits
        group by {{ stratum_key | join(", ") }}, rep_id
    ),

    beside_peers as (
        select
            *,
            {%- for key, scope in [(stratum_key, "near"), (stage_key, "all")] %}
                {%- for count in ["visits", "advanced"] %}
                    sum({{ count }}_as_peer) over (partition by {{ key | join(", ") }})
                    - {% if scope == "near" %} {{ count }}_as_peer
                    {%- else %}
                        sum({{ count }}_as_peer) over (partition by {{ key | join(", ") }}, rep_id)
                    {%- endif %} as {{ scope }}_{{ count }}
                    {{- "," if not loop.last }}
                {%- endfor %}
                {{- "," if not loop.last }}
            {%- endfor %}
        from by_rep_and_stratum
    ),

    matched as (
        select
            *,
            case
                when {{ is_enough("near_visits") }} then near_visits else all_visits
            end as peer_visits,
            case
                when {{ is_enough("near_visits") }} then near_advanced else all_advanced
            end as peer_advanced
        from beside_peers
    ),

    -- So many visits of peers at one conversion would leave the expectation as uncertain as
    -- these.
    by_rep as (
        select
            {{ stage_key | join(", ") }},
            rep_id,
            max(stage_order) as stage_order,
            sum(visits) as n,
            sum(advanced) as advanced,
            sum(visits_led) as n_led,
            sum(advanced_led) as advanced_led,
            {{ sum_of_shares(ratio("visits * peer_advanced", "peer_visits")) }} as expected,
            least(
                floor(
                    {{
                        ratio(
                            "power(sum(visits), 2)",
                            sum_of_shares(ratio("power(visits, 2)", "peer_visits")),
                        )
                    }} + 0.000001
                ),
                max(all_visits)
            ) as peer_visits
        from matched
        group by {{ stage_key | join(", ") }}, rep_id
    ),

    peers_at_stage as (
        select {{ stage_key | join(", ") }}, count(distinct rep_id) as peers
        from visits
        where is_peer
        group by {{ stage_key | join(", ") }}
    ),

    reps as (select * from {{ ref("dim_rep") }}),

    final as (
        select
            by_rep.source_instance,
            by_rep.pipeline,
            by_rep.stage,
            by_rep.stage_order,
            by_rep.rep_id,
            by_rep.n,
            by_rep.advanced,
            by_rep.n_led,
            by_rep.advanced_led,
            by_rep.expected,
            by_rep.peer_visits,
            coalesce(peers_at_stage.peers, 0)
            - case when coalesce(reps.role, 'rep') = 'rep' then 1 else 0 end as n_peers,
            reps.rep_name,
            reps.role,
            reps.team,
            reps.segment,
            reps.is_active,
            coalesce(reps.role, 'rep') = 'rep' and reps.is_active as is_judged
        from by_rep
        left join
            peers_at_stage
            on by_rep.source_instance = peers_at_stage.source_instance
            and by_rep.pipeline = peers_at_stage.pipeline
            and by_rep.stage = peers_at_stage.stage
        left join reps on by_rep.rep_id = reps.rep_id
    )

select
    *,
    {{ is_enough("n") }}
    and {{ is_enough("coalesce(peer_visits, 0)") }}
    and {{ are_enough_peers("n_peers") }} as is_enough_data
from final
