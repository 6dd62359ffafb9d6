-- Per rep, pipeline and stage: how long the visits took that the rep led from their entry,
-- beside those of peers. How far they rank above these is added up over quarters (P. H. van
-- Elteren, Bulletin of the Institute of International Statistics 37, 1960): what slowed
-- everyone down in a quarter is nobody's slowness.
{%- set stage_key = ["source_instance", "pipeline", "stage"] %}
{%- set in_quarter = (stage_key + ["quarter_start"]) | join(", ") %}
with
    compared as (select * from {{ ref("int_skill_comparisons") }}),

    here as (select distinct rep_id from compared where is_judged),

    -- Of people's first months, and of who has left, only short visits were led throughout:
    -- beside them all others would look slow.
    visits as (
        select visits.*
        from {{ ref("int_skill_visits") }} as visits
        inner join here on visits.rep_id = here.rep_id
        where visits.own_days is not null and visits.tenure <> 'under 3 months'
    ),

    ranked as (
        select
            *,
            rank() over (partition by {{ in_quarter }} order by own_days) as first_rank,
            count(*) over (partition by {{ in_quarter }}, own_days) as tied,
            count(*) over (partition by {{ in_quarter }}) as records
        from visits
    ),

    -- What ties take from the variance of a rank sum.
    tied as (
        select
            *,
            sum(power(cast(tied as {{ double_type() }}), 2) - 1) over (
                partition by {{ in_quarter }}
            ) as ties
        from ranked
    ),

    by_quarter as (
        select
            {{ in_quarter }},
            rep_id,
            max(records) as records,
            count(*) as n,
            sum(first_rank + (tied - 1) / cast(2 as {{ double_type() }})) as rank_sum,
            max(ties) as ties
        from tied
        group by {{ in_quarter }}, rep_id
    ),

    by_rep as (
        select
            {{ stage_key | join(", ") }},
            rep_id,
            sum(n) as n_timed,
            {{
                ratio(
                    sum_of_shares(
                        "(rank_sum - cast(0.5 as "
                        ~ double_type()
                        ~ ") * n * (records + 1)) / (records + 1)"
                    ),
                    "sqrt("
                    ~ sum_of_shares(
                        rank_variance("n", "records", "ties") ~ " / power(records + 1, 2)"
                    )
                    ~ ")",
                )
            }} as longer_z
        from by_quarter
        where records > n
        group by {{ stage_key | join(", ") }}, rep_id
    ),

    own_in_order as (
        select
            *,
            row_number() over (
                partition by {{ stage_key | join(", ") }}, rep_id order by own_days
            ) as place,
            count(*) over (partition by {{ stage_key | join(", ") }}, rep_id) as n
        from visits
    ),

    medians as (
        select
            {{ stage_key | join(", ") }},
            rep_id,
            {{ median("own_days") }} as median_days,
            max(case when place = {{ median_low_rank("n") }} then own_days end) as median_days_low,
            max(
                case when place = n + 1 - {{ median_low_rank("n") }} then own_days end
            ) as median_days_high
        from own_in_order
        group by {{ stage_key | join(", ") }}, rep_id
    ),

    peer_medians as ({{ medians_without_own("by_rep", "visits", stage_key, "own_days") }}),

    beside_peers as (
        select
            by_rep.*,
            medians.median_days,
            medians.median_days_low,
            medians.median_days_high,
            peer_medians.records as peer_visits_timed,
            case
                when {{ is_enough("peer_medians.records") }} then peer_medians.median
            end as peer_median_days,
            case
                when
                    {{ is_enough("by_rep.n_timed") }}
                    and {{ is_enough("peer_medians.records") }}
                    and {{ are_enough_peers("peer_medians.reps") }}
                then {{ normal_tail("by_rep.longer_z") }}
            end as slow_p_value
        from by_rep
        {%- for other in ["medians", "peer_medians"] %}
            inner join
                {{ other }}
                on by_rep.source_instance = {{ other }}.source_instance
                and by_rep.pipeline = {{ other }}.pipeline
                and by_rep.stage = {{ other }}.stage
                and by_rep.rep_id = {{ other }}.rep_id
        {%- endfor %}
    ),

    in_turn as (
        select
            *,
            {{
                times_tests_left(
                    "slow_p_value",
                    "slow_p_value nulls last, rep_id, source_instance, pipeline, stage",
                )
            }} as times_left
        from beside_peers
    ),

    final as (
        select
            *,
            case
                when slow_p_value is not null
                then
                    {{
                        greatest_so_far(
                            "times_left",
                            "slow_p_value nulls last, rep_id, source_instance, pipeline, stage",
                        )
                    }}
            end as slow_p_value_corrected
        from in_turn
    )

select *
from final
