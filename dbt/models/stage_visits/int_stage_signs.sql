-- The signs of a bottleneck, per open stage, team and period: is what happened there, beside the
-- year before, more than chance? Holm's correction is over all that is tested in a period: of the
-- company's stages, and, apart from these, of its teams'.
{%- set place = ["period_grain", "period_start", "source_instance", "pipeline", "stage", "team"] %}
{%- set family = (
    "partition by period_grain, period_start, case when team = 'all' then 0 else 1 end"
) %}
{%- set in_order = "p_value, source_instance, pipeline, stage, team, sign" %}
{%- set shares = {
    "longer": ("stays_long", "stays_due"),
    "stalling": ("stays_late", "stays_due"),
    "dropping": ("stays_dropped", "stays_ended"),
} %}
with
    periods as (select * from {{ ref("int_stage_periods") }}),

    stalls as (select * from {{ ref("int_stage_stalls") }}),

    counted as (
        select
            periods.*,
            {%- for count in ["stays_due", "stays_long", "stays_late"] %}
                coalesce(stalls.{{ count }}, 0) as {{ count }},
                coalesce(stalls.usual_{{ count }}, 0) as usual_{{ count }}
                {{- "," if not loop.last }}
            {%- endfor %}
        from periods
        left join
            stalls
            on {% for column in place -%}
                {{ "and " if not loop.first }} periods.{{ column }} = stalls.{{ column }}
            {% endfor %}
    ),

    shares as (
        {%- for share, (part, whole) in shares.items() %}
            select
                {{ place | join(", ") }},
                '{{ share }}' as sign,
                {{ part }} as part,
                {{ whole }} as whole,
                {{ part }} + usual_{{ part }} as successes,
                {{ whole }} + usual_{{ whole }} as records,
                coalesce({{ share_z(part, whole, "usual_" ~ part, "usual_" ~ whole) }}, 0) as z
            from counted
            where
                {{ is_enough(whole) }} and {{ is_enough("usual_" ~ whole) }}
                {{ "union all" if not loop.last }}
        {%- endfor %}
    ),

    outcomes as (
        select *, {{ each_number("part", "least(whole, successes)") }} as k
        from shares
        where z > {{ once_in_twenty() }}
    ),

    -- Fisher's exact test, one-sided; what no test would call is left to the normal deviate.
    unusual as (
        select
            {{ place | join(", ") }},
            sign,
            {{ sum_of_shares(hypergeometric("k", "whole", "successes", "records")) }} as p_value
        from outcomes
        group by {{ place | join(", ") }}, sign
    ),

    of_shares as (
        select
            {%- for column in place + ["sign"] %} shares.{{ column }}, {%- endfor %}
            coalesce(unusual.p_value, {{ normal_tail("shares.z") }}) as p_value
        from shares
        left join
            unusual
            on {% for column in place + ["sign"] -%}
                shares.{{ column }} = unusual.{{ column }} {{ "and " if not loop.last }}
            {%- endfor %}
    ),

    -- Where fewer deals come in, those that leave have been in for longer, though none is slower:
    -- those followed from their entry must go on beyond the usual median more often, too.
    of_lengths as (
        select
            {%- for column in place %} counted.{{ column }}, {%- endfor %}
            'slow' as sign,
            case
                when counted.median_days > counted.usual_median_days
                then
                    greatest(
                        coalesce({{ normal_tail("counted.longer_z") }}, 1),
                        coalesce(of_shares.p_value, 0)
                    )
                else 1
            end as p_value
        from counted
        left join
            of_shares on of_shares.sign = 'longer'
            {%- for column in place %}
                and counted.{{ column }} = of_shares.{{ column }}
            {%- endfor %}
        where
            {{ is_enough("counted.stays_ended") }} and {{ is_enough("counted.usual_stays_ended") }}
    ),

    tested as (
        select {{ place | join(", ") }}, sign, p_value
        from of_lengths
        union all
        select {{ place | join(", ") }}, sign, p_value
        from of_shares
        where sign != 'longer'
    ),

    in_turn as (
        select *, {{ times_tests_left("p_value", in_order, family) }} as times_left from tested
    ),

    corrected as (
        select *, {{ greatest_so_far("times_left", in_order, family) }} as p_value_corrected
        from in_turn
    ),

    final as (
        select
            {{ place | join(", ") }},
            {%- for sign in ["slow", "stalling", "dropping"] %}
                max(
                    case
                        when sign != '{{ sign }}'
                        then null
                        when p_value_corrected < {{ alarm_level() }}
                        then 1
                        else 0
                    end
                )
                = 1 as is_{{ sign }}
                {{- "," if not loop.last }}
            {%- endfor %}
        from corrected
        group by {{ place | join(", ") }}
    )

select *
from final
