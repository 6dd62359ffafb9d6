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
            history.stage,
            case
                when closings.is_known and history.position = closings.closing_position
                then closings.closed_at
                else history.changed_at
            end as moved_at,
            history.is_told,
            history.status,
            closings.status as closing_status,
            coalesce(history.status = 'open', false) as is_opening,
            coalesce(
                not closings.is_known or history.position < closings.closing_position, false
            ) as is_before_closing,
            closings.opportunity_key is not null and closings.closed_at is null as is_undated,
            closings.closed_at
        from {{ ref("int_opportunity_stage_history") }} as history
        left join closings on history.opportunity_key = closings.opportunity_key
    ),

    earlier as (
        select
            history.*,
            max(case when history.status <> history.closing_status then history.position end) over (
                partition by history.opportunity_key
            ) as last_other_position
        from history
        inner join ends on history.opportunity_key = ends.opportunity_key
        where
            history.is_before_closing
            and not history.is_undated
            and (history.position > 0 or ends.closed_first)
            and (
                history.moved_at < history.closed_at
                or (history.moved_at = history.closed_at and history.is_opening)
            )
    ),

    -- What versions saw of the dated closing before is no closing of its own.
    kept as (
        select opportunity_key, position, moved_at, stage, is_told, is_before_closing
        from earlier
        where is_told or status <> closing_status or position < last_other_position

        union all

        select
            history.opportunity_key,
            history.position,
            history.moved_at,
            history.stage,
            history.is_told,
            history.is_before_closing
        from history
        inner join ends on history.opportunity_key = ends.opportunity_key
        where
            not history.is_before_closing
            and not history.is_undated
            and (history.position > 0 or ends.closed_first)
    ),

    {#- A deal without any history is, while it is open, where its record says. #}
    beginnings as (
        select
            ends.opportunity_key,
            case
                when closings.opportunity_key is not null and closings.closed_at is null
                then ends.stage
                when ends.last_position is not null
                then case when not ends.closed_first then ends.first_stage end
                when closings.opportunity_key is null
                then ends.stage
            end as stage
        from ends
        left join closings on ends.opportunity_key = closings.opportunity_key
    ),

    untold as (
        select
            ends.opportunity_key,
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
            end as moved_at
        from ends
        left join closings on ends.opportunity_key = closings.opportunity_key
        where
            case
                when closings.opportunity_key is not null and not closings.is_known
                then closings.closed_at is not null
                else ends.last_stage <> ends.stage and not {{ is_renamed("ends") }}
            end
    ),

    moves as (
        select
            opportunity_key,
            -1 as position,
            cast(null as timestamp) as moved_at,
            stage,
            false as is_told
        from beginnings

        union all

        select
            kept.opportunity_key,
            kept.position,
            kept.moved_at,
            case
                when
                    kept.position = ends.last_position
                    and {{ is_renamed("ends") }}
                    and not kept.is_before_closing
                then ends.stage
                else kept.stage
            end as stage,
            kept.is_told
        from kept
        inner join ends on kept.opportunity_key = ends.opportunity_key

        union all

        select opportunity_key, 1000000000 as position, moved_at, stage, false as is_told
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
            and coalesce(ends.pipeline, '') = stages.pipeline
            and moves.stage = stages.stage
    ),

    compared as (
        select
            *,
            lag(status) over in_order as status_before,
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
            stage,
            status,
            is_told,
            moved_at is not null
            and status <> 'open'
            and status <> coalesce(status_before, 'open') as is_closing,
            next_entered_at is null
            or entered_at is null
            or next_entered_at > entered_at as is_last_in_instant
        from compared
    )

select *
from final
