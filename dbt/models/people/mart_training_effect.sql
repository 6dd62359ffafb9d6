-- Per course, by how much those who took it came to advance more deals in the stage of its
-- skill than others did in the same time: the difference of two differences.
with
    reps as (
        select *, 'all' as takers
        from {{ ref("int_training_visits") }}

        union all

        select *, 'below others' as takers
        from {{ ref("int_training_visits") }}
        where was_below
    ),

    -- So many visits at one share would leave it as uncertain as these do.
    by_course as (
        select
            course,
            skill,
            takers,
            count(*) as completions,
            count(weight) as reps,
            sum(case when weight is not null then n_before else 0 end) as n_before,
            sum(case when weight is not null then n_after else 0 end) as n_after,
            {%- for who in ["", "other_"] %}
                {%- for span in ["after", "before"] %}
                    {{
                        ratio(
                            sum_of_shares("weight * " ~ who ~ "conversion_" ~ span),
                            sum_of_shares("weight"),
                        )
                    }} as {{ who }}conversion_{{ span }},
                    {%- set worth = ratio(
                        "power(" ~ sum_of_shares("weight") ~ ", 2)",
                        sum_of_shares(ratio("power(weight, 2)", who ~ "n_" ~ span)),
                    ) %}
                    {%- if who %} least({{ worth }}, max(distinct_others_{{ span }}))
                    {%- else %} {{ worth }}
                    {%- endif %} as {{ who }}worth_{{ span }}
                    {{- "," if not loop.last }}
                {%- endfor %}
                {{- "," if not loop.last }}
            {%- endfor %}
        from reps
        group by course, skill, takers
    ),

    with_effect as (
        select
            *,
            conversion_after
            - conversion_before
            - other_conversion_after
            + other_conversion_before as effect,
            reps >= 3
            and {{ is_enough("n_before") }}
            and {{ is_enough("n_after") }} as is_enough_data
        from by_course
    ),

    with_interval as (
        select
            *,
            effect - sqrt(
                {{ squared_margin("conversion_after", "worth_after", "low") }}
                + {{ squared_margin("conversion_before", "worth_before", "high") }}
                + {{ squared_margin("other_conversion_after", "other_worth_after", "high") }}
                + {{ squared_margin("other_conversion_before", "other_worth_before", "low") }}
            ) as low,
            effect + sqrt(
                {{ squared_margin("conversion_after", "worth_after", "high") }}
                + {{ squared_margin("conversion_before", "worth_before", "low") }}
                + {{ squared_margin("other_conversion_after", "other_worth_after", "low") }}
                + {{ squared_margin("other_conversion_before", "other_worth_before", "high") }}
            ) as high
        from with_effect
    ),

    tested as (
        select
            *,
            case
                when is_enough_data then {{ p_value_of_interval("effect", "low", "high") }}
            end as p_value
        from with_interval
    ),

    in_turn as (
        select
            *,
            {{ times_tests_left("p_value", "p_value nulls last, course, skill, takers") }}
            as times_left
        from tested
    ),

    corrected as (
        select
            *,
            case
                when p_value is not null
                then
                    {{ greatest_so_far("times_left", "p_value nulls last, course, skill, takers") }}
            end as p_value_corrected
        from in_turn
    ),

    final as (
        select
            md5(course || '|' || skill || '|' || takers) as training_effect_key,
            course,
            skill,
            takers,
            cast(completions as bigint) as completions,
            cast(reps as bigint) as reps,
            is_enough_data,
            cast(n_before as bigint) as n_before,
            cast(n_after as bigint) as n_after,
            {%- for span in ["before", "after"] %}
                cast(floor(other_worth_{{ span }} + 0.000001) as bigint) as other_n_{{ span }},
            {%- endfor %}
            {%- for column in [
                "conversion_before",
                "conversion_after",
                "other_conversion_before",
                "other_conversion_after",
                "effect",
                "low",
                "high",
                "p_value",
                "p_value_corrected",
            ] %}
                cast({{ column }} as {{ double_type() }}) as {{ column }},
            {%- endfor %}
            case
                when coalesce(p_value_corrected >= {{ alarm_level() }}, true)
                then 'undecidable'
                when effect > 0
                then 'helped'
                else 'harmed'
            end as verdict
        from corrected
    )

select *
from final
