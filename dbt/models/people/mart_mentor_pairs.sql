-- For each gap a rep who is strong there: whoever of them is of the same segment, else of any.
-- Within a stage they take turns, so that none has more than one rep more than another to look
-- after.
with
    people as (select * from {{ ref("mart_skill_gaps") }}),

    gaps as (select * from people where is_gap),

    tenured as (
        select rep_id
        from {{ ref("dim_rep") }}
        where hired_on <= {{ dbt.dateadd("month", -12, as_of_day()) }}
    ),

    -- Whose interval is above what peers reach.
    strong as (
        select people.*
        from people
        inner join tenured on people.rep_id = tenured.rep_id
        where people.is_gap is not null and people.low > people.peer_conversion
    ),

    -- Who is strong in fewer stages has more room in each.
    mentors as (select *, count(*) over (partition by rep_id) as stages_strong_in from strong),

    groups as (
        select
            source_instance, pipeline, stage, coalesce(segment, '') as segment, count(*) as mentors
        from mentors
        group by source_instance, pipeline, stage, coalesce(segment, '')
    ),

    of_any_segment as (
        select source_instance, pipeline, stage, sum(mentors) as mentors
        from groups
        group by source_instance, pipeline, stage
    ),

    scoped_gaps as (
        select
            gaps.*,
            case when groups.mentors is not null then 'segment' else 'all' end as scope,
            case
                when groups.mentors is not null then coalesce(gaps.segment, '') else ''
            end as of_segment,
            coalesce(groups.mentors, of_any_segment.mentors) as mentors
        from gaps
        left join
            groups
            on gaps.source_instance = groups.source_instance
            and gaps.pipeline = groups.pipeline
            and gaps.stage = groups.stage
            and coalesce(gaps.segment, '') = groups.segment
        left join
            of_any_segment
            on gaps.source_instance = of_any_segment.source_instance
            and gaps.pipeline = of_any_segment.pipeline
            and gaps.stage = of_any_segment.stage
    ),

    in_turn as (
        select
            *,
            row_number() over (
                partition by source_instance, pipeline, stage, scope, of_segment
                order by p_value, rep_id
            ) as turn
        from scoped_gaps
    ),

    gaps_in_turn as (select *, mod(turn - 1, mentors) + 1 as turn_of_mentor from in_turn),

    mentors_in_turn as (
        {%- for scope, segment in [("segment", "coalesce(segment, '')"), ("all", "''")] %}
            select
                *,
                '{{ scope }}' as scope,
                cast({{ segment }} as {{ dbt.type_string() }}) as of_segment,
                row_number() over (
                    partition by
                        source_instance, pipeline, stage {{ ", segment" if scope == "segment" }}
                    order by stages_strong_in, low - peer_conversion desc, rep_id
                ) as turn
            from mentors {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    paired as (
        select
            gaps_in_turn.*,
            mentors_in_turn.rep_id as mentor_id,
            mentors_in_turn.rep_name as mentor_name,
            mentors_in_turn.segment as mentor_segment,
            mentors_in_turn.n as mentor_n,
            mentors_in_turn.conversion as mentor_conversion,
            mentors_in_turn.low as mentor_low,
            mentors_in_turn.high as mentor_high
        from gaps_in_turn
        left join
            mentors_in_turn
            on gaps_in_turn.source_instance = mentors_in_turn.source_instance
            and gaps_in_turn.pipeline = mentors_in_turn.pipeline
            and gaps_in_turn.stage = mentors_in_turn.stage
            and gaps_in_turn.scope = mentors_in_turn.scope
            and gaps_in_turn.of_segment = mentors_in_turn.of_segment
            and gaps_in_turn.turn_of_mentor = mentors_in_turn.turn
    ),

    final as (
        select
            skill_gap_key,
            rep_id,
            rep_name,
            source_instance,
            pipeline,
            stage,
            stage_order,
            is_weakest,
            n,
            conversion,
            low,
            high,
            peer_conversion,
            mentor_id,
            mentor_name,
            case
                when mentor_id is not null then coalesce(segment = mentor_segment, false)
            end as is_same_segment,
            mentor_n,
            mentor_conversion,
            mentor_low,
            mentor_high,
            case
                when mentor_id is not null
                then cast(count(*) over (partition by mentor_id) as bigint)
            end as mentor_pairs
        from paired
    )

select *
from final
