-- What each rep's visits to a stage came to, beside peers; a gap is told where it is beyond
-- chance among all that were looked for.
with
    compared as (select * from {{ ref("int_skill_comparisons") }}),

    tests as (select * from {{ ref("int_skill_tests") }}),

    lengths as (select * from {{ ref("int_skill_lengths") }}),

    tested as (
        select
            compared.*,
            {{ ratio("compared.advanced", "compared.n") }} as conversion,
            {{ ratio("compared.expected", "compared.n") }} as peer_conversion,
            tests.p_value,
            tests.p_value_corrected,
            -- Who is handed deals as they are lost has no gap of its own.
            case
                when tests.p_value_corrected is not null
                then
                    tests.p_value_corrected < {{ alarm_level() }}
                    and coalesce(
                        {{ wilson_high("compared.advanced_led", "compared.n_led") }}
                        < {{ ratio("compared.expected", "compared.n") }},
                        false
                    )
            end as is_gap,
            lengths.n_timed,
            lengths.median_days,
            lengths.median_days_low,
            lengths.median_days_high,
            lengths.peer_median_days,
            lengths.peer_visits_timed,
            lengths.slow_p_value,
            lengths.slow_p_value_corrected,
            case
                when lengths.slow_p_value_corrected is not null
                then
                    lengths.slow_p_value_corrected < {{ alarm_level() }}
                    and lengths.median_days > lengths.peer_median_days
            end as is_slow
        from compared
        {%- for other in ["tests", "lengths"] %}
            left join
                {{ other }}
                on compared.source_instance = {{ other }}.source_instance
                and compared.pipeline = {{ other }}.pipeline
                and compared.stage = {{ other }}.stage
                and compared.rep_id = {{ other }}.rep_id
        {%- endfor %}
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by rep_id, is_gap
                order by
                    peer_conversion - conversion desc,
                    p_value,
                    source_instance,
                    pipeline,
                    stage_order,
                    stage
            ) as place
        from tested
    ),

    final as (
        select
            md5(
                rep_id || '|' || source_instance || '|' || pipeline || '|' || stage
            ) as skill_gap_key,
            rep_id,
            rep_name,
            role,
            team,
            segment,
            is_active,
            source_instance,
            pipeline,
            stage,
            stage_order,
            case when is_gap is not null then is_gap and place = 1 end as is_weakest,
            is_gap,
            cast(n as bigint) as n,
            cast(advanced as bigint) as advanced,
            cast(expected as {{ double_type() }}) as expected,
            cast(conversion as {{ double_type() }}) as conversion,
            cast({{ wilson_low("advanced", "n") }} as {{ double_type() }}) as low,
            cast({{ wilson_high("advanced", "n") }} as {{ double_type() }}) as high,
            cast(n_led as bigint) as n_led,
            cast({{ ratio("advanced_led", "n_led") }} as {{ double_type() }}) as conversion_led,
            cast(peer_conversion as {{ double_type() }}) as peer_conversion,
            cast(n_peers as bigint) as n_peers,
            cast(peer_visits as bigint) as peer_visits,
            is_enough_data,
            is_slow,
            cast(coalesce(n_timed, 0) as bigint) as n_timed,
            cast(median_days as {{ double_type() }}) as median_days,
            cast(median_days_low as {{ double_type() }}) as median_days_low,
            cast(median_days_high as {{ double_type() }}) as median_days_high,
            cast(peer_median_days as {{ double_type() }}) as peer_median_days,
            cast(coalesce(peer_visits_timed, 0) as bigint) as peer_visits_timed,
            cast(p_value as {{ double_type() }}) as p_value,
            cast(p_value_corrected as {{ double_type() }}) as p_value_corrected,
            cast(slow_p_value as {{ double_type() }}) as slow_p_value,
            cast(slow_p_value_corrected as {{ double_type() }}) as slow_p_value_corrected
        from ranked
    )

select *
from final
