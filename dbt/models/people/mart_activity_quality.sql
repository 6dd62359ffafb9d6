{%- set scopes = {
    "near": ["month_start", "activity_type", "role", "segment", "tenure_band"],
    "wide": ["month_start", "activity_type", "role"],
} -%}
-- What people did by month and type of activity, beside what became of the deals and leads that
-- they did it with, and both beside peers.
with
    done as (
        select
            rep_id,
            {{ month_start("occurred_on") }} as month_start,
            activity_type,
            count(*) as activities,
            count(content_id) as activities_with_content
        from {{ ref("fct_activities") }}
        where has_happened and rep_id is not null
        group by rep_id, {{ month_start("occurred_on") }}, activity_type
    ),

    became as (
        select
            rep_id,
            month_start,
            activity_type,
            count(*) as records_touched,
            {%- for name, condition in [("", ""), ("_with_content", " and has_content")] %}
                count(case when is_judged {{ condition }} then 1 end) as records{{ name }},
                count(
                    case when is_judged and has_advanced {{ condition }} then 1 end
                ) as outcomes{{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref("int_touched_records") }}
        group by rep_id, month_start, activity_type
    ),

    types as (select distinct month_start, activity_type from done),

    people as (select * from {{ ref("int_rep_months") }}),

    -- Who was there and did nothing of a type is a peer of those who did.
    possible as (
        select people.rep_id, people.month_start, types.activity_type
        from people
        inner join types on people.month_start = types.month_start

        union

        select rep_id, month_start, activity_type
        from done
    ),

    counted as (
        select
            possible.*,
            people.role,
            people.segment,
            people.tenure_band,
            coalesce(people.is_peer, false) as is_peer,
            coalesce(done.activities, 0) as activities,
            coalesce(done.activities_with_content, 0) as activities_with_content,
            coalesce(became.records_touched, 0) as records_touched,
            {%- for name in ["", "_with_content"] %}
                coalesce(became.records{{ name }}, 0) as records{{ name }},
                coalesce(became.outcomes{{ name }}, 0) as outcomes{{ name }}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from possible
        left join
            people on possible.rep_id = people.rep_id and possible.month_start = people.month_start
        left join
            done
            on possible.rep_id = done.rep_id
            and possible.month_start = done.month_start
            and possible.activity_type = done.activity_type
        left join
            became
            on possible.rep_id = became.rep_id
            and possible.month_start = became.month_start
            and possible.activity_type = became.activity_type
    ),

    -- The others of a group are the group without oneself: nobody is compared one by one.
    beside_peers as (
        select
            *,
            {%- for scope, group in scopes.items() %}
                {%- set peers = "is_peer, " ~ group | join(", ") %}
                count(case when {{ is_enough("records") }} then 1 end) over {{ scope }}
                - case when {{ is_enough("records") }} then 1 else 0 end as {{ scope }}_peers,
                sum(records) over {{ scope }} - records as {{ scope }}_records,
                sum(outcomes) over {{ scope }} - outcomes as {{ scope }}_outcomes,
                {{
                    ratio(
                        "rank() over (" ~ scope ~ " order by activities) - 1 + (count(*) over (partition by "
                        ~ peers
                        ~ ", activities) - 1) / 2.0",
                        "count(*) over " ~ scope ~ " - 1",
                    )
                }}
                as {{ scope }}_percentile{{ ',' if not loop.last }}
            {%- endfor %}
        from counted
        window
            {%- for scope, group in scopes.items() %}
                {{ scope }} as (partition by is_peer, {{ group | join(", ") }})
                {{- ',' if not loop.last }}
            {%- endfor %}
    ),

    grouped as (
        select
            *,
            case
                when not is_peer
                then null
                when {{ are_enough_peers("near_peers") }}
                then 'role, segment and tenure'
                when {{ are_enough_peers("wide_peers") }}
                then 'role'
            end as peer_group
        from beside_peers
    ),

    judged as (
        select
            *,
            {{ is_enough("records") }} as is_enough_data,
            {{ ratio("outcomes", "records") }} as rate,
            {{ wilson_low("outcomes", "records") }} as low,
            {{ wilson_high("outcomes", "records") }} as high,
            {%- for name in ["peers", "records", "percentile"] %}
                case
                    peer_group
                    when 'role, segment and tenure'
                    then near_{{ name }}
                    when 'role'
                    then wide_{{ name }}
                end as peers_{{ name }},
            {%- endfor %}
            case
                peer_group
                when 'role, segment and tenure'
                then {{ ratio("near_outcomes", "near_records") }}
                when 'role'
                then {{ ratio("wide_outcomes", "wide_records") }}
            end as peer_rate
        from grouped
        where activities > 0
    ),

    reps as (select rep_id, rep_name from {{ ref("dim_rep") }}),

    final as (
        select
            judged.rep_id,
            reps.rep_name,
            judged.month_start,
            judged.activity_type,
            cast(judged.activities as bigint) as activities,
            cast(judged.records_touched as bigint) as records_touched,
            cast(judged.records as bigint) as records,
            cast(judged.outcomes as bigint) as outcomes,
            judged.rate,
            cast(judged.low as {{ double_type() }}) as low,
            cast(judged.high as {{ double_type() }}) as high,
            judged.is_enough_data,
            cast(judged.peer_group as {{ dbt.type_string() }}) as peer_group,
            cast(coalesce(judged.peers_peers, 0) as bigint) as n_peers,
            cast(coalesce(judged.peers_records, 0) as bigint) as peer_records,
            judged.peer_rate,
            judged.peers_percentile as activities_percentile,
            case
                when judged.peer_group is not null and judged.is_enough_data
                then judged.peers_percentile >= 0.75 and judged.high < judged.peer_rate
            end as is_busy_without_results,
            cast(judged.activities_with_content as bigint) as activities_with_content,
            cast(judged.records_with_content as bigint) as records_with_content,
            cast(judged.outcomes_with_content as bigint) as outcomes_with_content,
            {{ ratio("judged.outcomes_with_content", "judged.records_with_content") }}
            as rate_with_content,
            cast(
                {{ wilson_low("judged.outcomes_with_content", "judged.records_with_content") }}
                as {{ double_type() }}
            ) as low_with_content,
            cast(
                {{ wilson_high("judged.outcomes_with_content", "judged.records_with_content") }}
                as {{ double_type() }}
            ) as high_with_content
        from judged
        inner join reps on judged.rep_id = reps.rep_id
    )

select *
from final
