-- One row per deal: where its record says that it is, beside where its history leaves it, and when
-- the kept versions first showed what the record shows.
with
    opportunities as (
        select opportunity_key, source_instance, pipeline, stage, created_at, closed_at, close_date
        from {{ ref("int_opportunities__unioned") }}
    ),

    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, status
        from {{ ref("int_stages__resolved") }}
    ),

    history as (select * from {{ ref("int_opportunity_stage_history") }}),

    first_changes as (
        select opportunity_key, min(changed_at) as first_changed_at
        from {{ ref("int_opportunity_changes") }}
        where position = 1
        group by opportunity_key
    ),

    told as (
        select
            opportunity_key,
            max(position) as last_position,
            max(changed_at) as last_moved_at,
            max(first_stage) as first_stage,
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
            told.last_moved_at,
            told.first_stage,
            told.last_opened_at,
            told.closing_position,
            last_moves.stage as last_stage,
            last_moves.status as last_stage_status,
            last_moves.known_status as last_status,
            closings.changed_at as last_closing_at,
            closings.is_told as is_closing_told
        from opportunities
        left join
            stages
            on opportunities.source_instance = stages.source_instance
            and coalesce(opportunities.pipeline, '') = stages.pipeline
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
    -- its outcome, with all that follow it.
    versions as (
        select
            versions.opportunity_key,
            versions.load_number,
            coalesce(versions.source_updated_at, versions.loaded_at) as shown_at,
            records.stage,
            versions.stage is distinct from records.stage as is_elsewhere,
            coalesce(stages.status, '') <> records.status as is_otherwise
        from {{ ref("int_opportunity_versions") }} as versions
        inner join records on versions.opportunity_key = records.opportunity_key
        left join
            stages
            on records.source_instance = stages.source_instance
            and coalesce(records.pipeline, '') = stages.pipeline
            and versions.stage = stages.stage
        where records.last_stage is distinct from records.stage
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
            min(
                case when load_number > coalesce(last_elsewhere, 0) then shown_at end
            ) as stage_shown_at,
            min(
                case when load_number > coalesce(last_otherwise, 0) then shown_at end
            ) as status_shown_at,
            max(last_otherwise) is not null as was_otherwise
        from bounded
        group by opportunity_key
    ),

    -- The company's own as_of ends what is known, unless its data goes on after it.
    beyond as (
        select max(happened_at) as last_moment
        from
            (
                select greatest(max(created_at), max(source_updated_at)) as happened_at
                from {{ ref("int_opportunity_versions") }}

                union all

                select max(changed_at) as happened_at
                from {{ ref("int_field_changes__unioned") }}
                where not is_deleted
            ) as moments
    ),

    final as (
        select
            records.opportunity_key,
            records.source_instance,
            records.pipeline,
            records.stage,
            records.status,
            records.created_at,
            records.begins_at,
            records.closed_at,
            records.close_date,
            records.first_stage,
            records.last_position,
            records.last_moved_at,
            records.last_stage,
            records.last_stage_status,
            records.last_status,
            records.last_opened_at,
            records.closing_position,
            records.last_closing_at,
            records.is_closing_told,
            {%- for what in ["stage", "status"] %}
                case
                    when
                        shown.{{ what }}_shown_at > {{ company_as_of() }}
                        and coalesce(beyond.last_moment <= {{ company_as_of() }}, true)
                    then {{ company_as_of() }}
                    else shown.{{ what }}_shown_at
                end as {{ what }}_shown_at,
            {%- endfor %}
            coalesce(shown.was_otherwise, false) as was_otherwise
        from records
        left join shown on records.opportunity_key = shown.opportunity_key
        cross join beyond
    )

select *
from final
