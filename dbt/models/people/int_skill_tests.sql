-- Fisher's exact test, one-sided, of each rep's visits in a stage beside those of peers: the
-- chance that as few or fewer had advanced, had the rep been as good as they are.
with
    tested as (
        select
            *,
            n + peer_visits as records,
            advanced + floor({{ ratio("peer_visits * expected", "n") }} + 0.000001) as successes
        from {{ ref("int_skill_comparisons") }}
        where is_enough_data and is_judged
    ),

    outcomes as (
        select
            source_instance,
            pipeline,
            stage,
            rep_id,
            n,
            successes,
            records,
            {{ each_number("greatest(n + successes - records, 0)", "advanced") }} as k
        from tested
    ),

    chances as (
        select
            source_instance,
            pipeline,
            stage,
            rep_id,
            least(
                {{ sum_of_shares(hypergeometric("k", "n", "successes", "records")) }}, 1
            ) as p_value
        from outcomes
        group by source_instance, pipeline, stage, rep_id
    ),

    in_turn as (
        select
            *,
            {{ times_tests_left("p_value", "p_value, rep_id, source_instance, pipeline, stage") }}
            as times_left
        from chances
    ),

    final as (
        select
            source_instance,
            pipeline,
            stage,
            rep_id,
            p_value,
            {{ greatest_so_far("times_left", "p_value, rep_id, source_instance, pipeline, stage") }}
            as p_value_corrected
        from in_turn
    )

select *
from final
