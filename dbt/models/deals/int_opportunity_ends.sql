{{
    increment(
        "news",
        of=[
            "int_opportunities__unioned",
            "int_opportunity_changes",
            "int_opportunity_stage_history",
            "int_opportunity_versions",
        ],
    )
}}
-- One row per deal: where its record says that it is, beside where its history leaves it, and when
-- the kept versions first showed what the record shows.
with
    opportunities as (
        select
            records.opportunity_key,
            records.source_instance,
            coalesce(renames.pipeline, records.pipeline, '') as pipeline,
            coalesce(renames.stage, records.stage) as stage,
            records.last_open_stage,
            records.created_at,
            records.closed_at,
            records.close_date
        from {{ ref("int_opportunities__unioned") }} as records
        left join
            {{ ref("int_stage_renames") }} as renames
            on records.source_instance = renames.source_instance
            and coalesce(records.pipeline, '') = renames.former_pipeline
            and records.stage = renames.former_stage
    ),

    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, status
        from {{ ref("int_stages__resolved") }}
    ),

    history as (select * from {{ ref("int_opportunity_stage_history") }}),

    first_changes as (
        select
            opportunity_key,
            coalesce(
                min(case when is_told then changed_at end), min(changed_at)
            ) as first_changed_at
        from {{ ref("int_opportunity_changes") }}
        group by opportunity_key
    ),

    told as (
        select
            opportunity_key,
            max(position) as last_position,
            max(case when position = 0 then status end) as left_closed_as,
            max(case when position = 1 and is_told then 1 else 0 end) = 1 as is_first_told,
            max(changed_at) as last_moved_at,
            max(case when is_told then changed_at end) as last_told_at,
            max(first_pipeline) as first_pipeline,
            max(first_stage) as first_stage,
            min(case when position = 1 then changed_at end) as first_moved_at,
            max(
                case when position = 1 and coalesce(status, 'open') = 'open' then stage end
            ) as first_open_stage,
            max(case when is_told and status = 'open' then changed_at end) as last_opened_at,
            max(case when is_closing then position end) as closing_position
        from history
        group by opportunity_key
    ),

    records as (
        select
            opportunities.*,
            coalesce(opportunities.created_at, first_changes.first_changed_at) as begins_at,
            stages.status,
            told.last_position,
            told.left_closed_as,
            told.is_first_told,
            told.last_moved_at,
            told.last_told_at,
            told.first_pipeline,
            -- What was before a first move nobody knows, unless it is that of the creation.
            coalesce(
                told.first_stage,
                case
                    when
                        {{
                            microseconds_between(
                                "opportunities.created_at", "told.first_moved_at"
                            )
                        }} between 0 and 60000000
                    then told.first_open_stage
                end
            ) as first_stage,
            told.last_opened_at,
            told.closing_position,
            last_moves.pipeline as last_pipeline,
            last_moves.stage as last_stage,
            last_moves.status as last_stage_status,
            last_moves.known_status as last_status,
            closings.changed_at as last_closing_at,
            closings.is_told as is_closing_told
        from opportunities
        left join
            stages
            on opportunities.source_instance = stages.source_instance
            and opportunities.pipeline = stages.pipeline
            and opportunities.stage = stages.stage
        left join first_changes on opportunities.opportunity_key = first_changes.opportunity_key
        left join told on opportunities.opportunity_key = told.opportunity_key
        left join
            history as last_moves
            on told.opportunity_key = last_moves.opportunity_key
            and told.last_position = last_moves.position
        left join
            history as closings
            on told.opportunity_key = closings.opportunity_key
            and told.closing_position = closings.position
    ),

    -- What shows when an untold move was made: the first version that shows the record's stage, or
    -- its outcome, with all that follow it. None that is older than what the history tells last.
    versions as (
        select
            versions.opportunity_key,
            versions.load_number,
            versions.shown_at,
            case when {{ is_moved_on("records") }} then records.last_told_at end as stage_told_at,
            case
                when records.status <> 'open'
                then records.last_opened_at
                when records.last_status <> 'open'
                then records.last_told_at
            end as status_told_at,
            versions.stage is distinct from records.stage
            or versions.pipeline <> records.pipeline as is_elsewhere,
            coalesce(stages.status, '') <> records.status as is_otherwise
        from {{ ref("int_opportunity_versions") }} as versions
        inner join records on versions.opportunity_key = records.opportunity_key
        left join
            stages
            on records.source_instance = stages.source_instance
            and coalesce(versions.pipeline, records.pipeline) = stages.pipeline
            and versions.stage = stages.stage
        where
            coalesce({{ is_moved_on("records") }}, true)
            or not coalesce(records.is_closing_told, false)
    ),

    bounded as (
        select
            *,
            max(case when is_elsewhere then load_number end) over (
                partition by opportunity_key
            ) as last_elsewhere,
            max(case when is_otherwise then load_number end) over (
                partition by opportunity_key
            ) as last_otherwise
        from versions
    ),

    shown as (
        select
            opportunity_key,
            {%- for what, last_other in [
                ("stage", "last_elsewhere"),
                ("status", "last_otherwise"),
            ] %}
                min(
                    case
                        when
                            load_number > coalesce({{ last_other }}, 0)
                            and shown_at >= coalesce({{ what }}_told_at, shown_at)
                        then shown_at
                    end
                ) as {{ what }}_shown_at,
            {%- endfor %}
            max(last_otherwise) is not null as was_otherwise
        from bounded
        group by opportunity_key
    ),

    final as (
        select
            records.opportunity_key,
            records.source_instance,
            records.pipeline,
            records.stage,
            records.last_open_stage,
            records.status,
            records.created_at,
            records.begins_at,
            records.closed_at,
            records.close_date,
            records.first_pipeline,
            records.first_stage,
            records.last_position,
            records.left_closed_as,
            records.is_first_told,
            records.last_moved_at,
            records.last_pipeline,
            records.last_stage,
            records.last_stage_status,
            records.last_status,
            records.last_opened_at,
            records.closing_position,
            records.last_closing_at,
            records.is_closing_told,
            shown.stage_shown_at,
            shown.status_shown_at,
            coalesce(shown.was_otherwise, false) as was_otherwise
        from records
        left join shown on records.opportunity_key = shown.opportunity_key
    )

select *
from final
