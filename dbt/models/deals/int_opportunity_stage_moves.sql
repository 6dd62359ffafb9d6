{{
    increment(
        "clocked",
        of=["int_opportunity_ends", "int_opportunity_closings", "int_opportunity_stage_history"],
    )
}}
-- The way of each deal through the stages as it counts: one row per move, in order, the first one
-- where the deal began.
--
-- The last closing is at the moment that int_opportunity_closings found. Of what history and
-- versions tell before it, no move after that moment counts: a change seen between loads does not
-- override a dated record, and a closing that is dated earlier than one before it replaces that. A
-- stage that the record shows and the history does not tell of was entered when a version first
-- showed it; where the history ends in a stage that no pipeline names, that stage was renamed.
with
    ends as (select * from {{ ref("int_opportunity_ends") }}),

    closings as (select * from {{ ref("int_opportunity_closings") }}),

    history as (
        select
            history.opportunity_key,
            history.position,
            history.pipeline,
            history.stage,
            case
                when closings.is_known and history.position = closings.closing_position
                then closings.closed_at
                else history.changed_at
            end as moved_at,
            history.is_told,
            history.status,
            closings.status as closing_status,
            closings.closed_at,
            coalesce(
                not closings.is_known or history.position < closings.closing_position, false
            ) as is_before_closing
        from {{ ref("int_opportunity_stage_history") }} as history
        left join closings on history.opportunity_key = closings.opportunity_key
        where closings.opportunity_key is null or closings.closed_at is not null
    ),

    opened as (
        select
            *,
            max(
                case
                    when is_before_closing and status = 'open' and moved_at <= closed_at
                    then position
                end
            ) over (partition by opportunity_key) as last_open_position
        from history
    ),

    counted as (
        select *
        from opened
        where
            not is_before_closing
            or moved_at < closed_at
            or (moved_at = closed_at and position <= last_open_position)
    ),

    followed as (
        select
            *,
            max(
                case
                    when is_before_closing and position > 0 and status <> closing_status
                    then position
                end
            ) over (partition by opportunity_key) as last_other_position
        from counted
    ),

    -- Deals that were open until they closed into the stage of which only the leaving is known.
    closed_first as (
        select ends.opportunity_key
        from ends
        left join closings on ends.opportunity_key = closings.opportunity_key
        left join
            followed
            on ends.opportunity_key = followed.opportunity_key
            and followed.position = followed.last_other_position
        where
            ends.left_closed_as is not null
            and (
                not ends.is_first_told
                or (
                    ends.left_closed_as = closings.status
                    and closings.closed_at is not null
                    and followed.opportunity_key is null
                )
            )
    ),

    -- What versions saw of the dated closing before is no closing of its own.
    kept as (
        select followed.*
        from followed
        inner join ends on followed.opportunity_key = ends.opportunity_key
        left join closed_first on followed.opportunity_key = closed_first.opportunity_key
        where
            (followed.position > 0 or closed_first.opportunity_key is not null)
            and (
                not followed.is_before_closing
                or followed.is_told
                or (followed.position = 0 and ends.is_first_told)
                or followed.status <> followed.closing_status
                or followed.position < followed.last_other_position
            )
    ),

    {#- A deal without any history is, while it is open, where its record says that it is, or was. #}
    beginnings as (
        select
            ends.opportunity_key,
            case
                when closings.opportunity_key is not null and closings.closed_at is null
                then ends.pipeline
                else coalesce(ends.first_pipeline, ends.pipeline)
            end as pipeline,
            case
                when closings.opportunity_key is not null and closings.closed_at is null
                then ends.stage
                when ends.last_position is not null
                then case when closed_first.opportunity_key is null then ends.first_stage end
                when closings.opportunity_key is null
                then ends.stage
                else ends.last_open_stage
            end as stage
        from ends
        left join closings on ends.opportunity_key = closings.opportunity_key
        left join closed_first on ends.opportunity_key = closed_first.opportunity_key
    ),

    untold as (
        select
            ends.opportunity_key,
            ends.pipeline,
            ends.stage,
            case
                when closings.opportunity_key is not null and not closings.is_known
                then closings.closed_at
                else
                    greatest(
                        case
                            when ends.last_status <> ends.status
                            then ends.status_shown_at
                            else ends.stage_shown_at
                        end,
                        ends.last_moved_at,
                        closings.closed_at
                    )
            end as moved_at,
            ends.last_position is null and ends.last_open_stage is not null as is_told
        from ends
        left join closings on ends.opportunity_key = closings.opportunity_key
        where
            case
                when closings.opportunity_key is not null and not closings.is_known
                then closings.closed_at is not null
                else {{ is_moved_on("ends") }} and not {{ is_renamed("ends") }}
            end
    ),

    moves as (
        select
            opportunity_key,
            -1 as position,
            cast(null as timestamp) as moved_at,
            pipeline,
            stage,
            false as is_told
        from beginnings

        union all

        select
            kept.opportunity_key,
            kept.position,
            kept.moved_at,
            {%- for part in ["pipeline", "stage"] %}
                case
                    when
                        kept.position = ends.last_position
                        and {{ is_renamed("ends") }}
                        and not kept.is_before_closing
                    then ends.{{ part }}
                    else kept.{{ part }}
                end as {{ part }},
            {%- endfor %}
            kept.is_told
        from kept
        inner join ends on kept.opportunity_key = ends.opportunity_key

        union all

        select opportunity_key, 1000000000 as position, moved_at, pipeline, stage, is_told
        from untold
    ),

    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, status
        from {{ ref("int_stages__resolved") }}
        where pipeline_stage_key is not null
    ),

    placed as (
        select
            moves.opportunity_key,
            row_number() over (
                partition by moves.opportunity_key order by moves.position
            ) as position,
            moves.moved_at,
            greatest(moves.moved_at, ends.begins_at) as entered_at,
            moves.pipeline,
            moves.stage,
            moves.is_told,
            coalesce(
                {{ last_known("stages.status", "moves.opportunity_key", "moves.position") }}, 'open'
            ) as status
        from moves
        inner join ends on moves.opportunity_key = ends.opportunity_key
        left join
            stages
            on ends.source_instance = stages.source_instance
            and coalesce(moves.pipeline, '') = stages.pipeline
            and moves.stage = stages.stage
    ),

    compared as (
        select
            *,
            lag(status) over in_order as status_before,
            lead(moved_at) over in_order as next_moved_at,
            lead(entered_at) over in_order as next_entered_at
        from placed
        window in_order as (partition by opportunity_key order by position)
    ),

    final as (
        select
            opportunity_key,
            position,
            moved_at,
            entered_at,
            nullif(pipeline, '') as pipeline,
            stage,
            status,
            is_told,
            moved_at is not null
            and status <> 'open'
            and status <> coalesce(status_before, 'open') as is_closing,
            next_entered_at is null
            or entered_at is null
            or next_entered_at > entered_at as is_last_in_instant,
            -- Entered and left in one instant of the deal's life.
            coalesce(
                coalesce(moved_at, next_moved_at) = entered_at and next_entered_at = entered_at,
                false
            ) as is_passed_through
        from compared
    )

select *
from final
