{%- set fields = ["stage"] + value_fields() -%}
{%- set always = "cast('0001-01-01' as timestamp)" -%}
-- Of which fields of deals a source has a history, and since when.
--
-- A source type that loads histories has them from the beginning. Exports have one of each field
-- that any of their field changes is of; but one of stages that never tells a move between open
-- stages tells closings, no stays. Where none is told, what differs from load to load is a history
-- that begins with the first load.
--
-- A told history is taken at its word, unless a deal closed before its first row and it tells
-- nothing of that: it began late, with this row. All fields are of one log.
with
    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage, status
        from {{ ref("int_stages__resolved") }}
    ),

    sources as (
        select distinct source_system, source_instance from {{ ref("int_opportunities__unioned") }}
    ),

    changes as (select * from {{ ref("int_opportunity_changes") }} where is_told),

    kinds as (
        select
            source_instance,
            field,
            cast(null as {{ dbt.type_string() }}) as old_pipeline,
            cast(null as {{ dbt.type_string() }}) as old_stage,
            cast(null as {{ dbt.type_string() }}) as pipeline,
            cast(null as {{ dbt.type_string() }}) as stage
        from changes
        where field <> 'stage'
        group by source_instance, field

        union all

        select
            source_instance,
            field,
            coalesce(old_pipeline, '') as old_pipeline,
            old_stage,
            coalesce(pipeline, '') as pipeline,
            stage
        from {{ ref("int_opportunity_stage_changes") }}
        where field = 'stage' and is_told
        group by
            source_instance,
            field,
            coalesce(old_pipeline, ''),
            old_stage,
            coalesce(pipeline, ''),
            stage
    ),

    -- Of whichever deal, also of one that was created later. A row without any value tells nothing.
    logged as (
        select
            source_instance,
            field,
            min(min(changed_at)) over (partition by source_instance) as told_from
        from {{ ref("int_field_changes__unioned") }}
        where
            entity = 'opportunities'
            and not is_deleted
            and (old_value is not null or new_value is not null)
        group by source_instance, field
    ),

    kinds_told as (
        select
            kinds.source_instance,
            kinds.field,
            max(
                case
                    when kinds.field <> 'stage'
                    then 1
                    when
                        coalesce(new_stages.status, 'open') = 'open'
                        and coalesce(old_stages.status, 'open') = 'open'
                    then 1
                    else 0
                end
            )
            = 1 as tells_moves
        from kinds
        left join
            stages as new_stages
            on kinds.source_instance = new_stages.source_instance
            and kinds.pipeline = new_stages.pipeline
            and kinds.stage = new_stages.stage
        left join
            stages as old_stages
            on kinds.source_instance = old_stages.source_instance
            and kinds.old_pipeline = old_stages.pipeline
            and kinds.old_stage = old_stages.stage
        group by kinds.source_instance, kinds.field
    ),

    told as (
        select
            logged.source_instance,
            logged.field,
            logged.told_from,
            coalesce(kinds_told.tells_moves, true) as tells_moves
        from logged
        left join
            kinds_told
            on logged.source_instance = kinds_told.source_instance
            and logged.field = kinds_told.field
    ),

    -- Where there is but one open stage, there is no move between open stages to tell of.
    single_staged as (
        select source_instance
        from {{ ref("int_pipeline_stages__unioned") }}
        where status = 'open' and not is_deleted
        group by source_instance
        having count(distinct stage) = 1
    ),

    began_late as (
        select distinct opportunities.source_instance
        from {{ ref("int_opportunities__unioned") }} as opportunities
        inner join
            told
            on opportunities.source_instance = told.source_instance
            and told.field = 'stage'
            and coalesce(opportunities.closed_at, {{ day_start("opportunities.close_date") }})
            < told.told_from
        inner join
            stages
            on opportunities.source_instance = stages.source_instance
            and coalesce(opportunities.pipeline, '') = stages.pipeline
            and opportunities.stage = stages.stage
            and stages.status <> 'open'
        left join
            changes
            on opportunities.opportunity_key = changes.opportunity_key
            and changes.field = 'stage'
        where changes.opportunity_key is null
    ),

    versions as (
        select opportunities.source_instance, versions.load_number, versions.shown_at as seen_at
        from {{ ref("int_opportunity_versions") }} as versions
        inner join
            {{ ref("int_opportunities__unioned") }} as opportunities
            on versions.opportunity_key = opportunities.opportunity_key
    ),

    first_loads as (
        select source_instance, min(load_number) as load_number
        from versions
        group by source_instance
    ),

    -- The first load is of no earlier moment than the last update that it tells of.
    kept as (
        select versions.source_instance, max(versions.seen_at) as kept_from
        from versions
        inner join
            first_loads
            on versions.source_instance = first_loads.source_instance
            and versions.load_number = first_loads.load_number
        group by versions.source_instance
    ),

    fields as (
        {%- for field in fields %}
            select '{{ field }}' as field {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    combined as (
        select
            sources.source_instance,
            fields.field,
            {% for source_type, declared in declared_histories().items() -%}
                (
                    sources.source_system = '{{ source_type }}'
                    and fields.field in ('{{ declared | join("', '") }}')
                ){{ ' or ' if not loop.last }}
            {%- endfor %} as is_declared,
            told.told_from,
            told.tells_moves or single_staged.source_instance is not null as tells_stays,
            began_late.source_instance is not null as has_begun_late,
            kept.kept_from
        from sources
        cross join fields
        left join
            told on sources.source_instance = told.source_instance and fields.field = told.field
        left join single_staged on sources.source_instance = single_staged.source_instance
        left join began_late on sources.source_instance = began_late.source_instance
        left join kept on sources.source_instance = kept.source_instance
    ),

    dated as (
        select
            source_instance,
            field,
            case
                when is_declared
                then {{ always }}
                when told_from is null
                then kept_from
                when not tells_stays
                then null
                when has_begun_late
                then told_from
                else {{ always }}
            end as known_from,
            case
                when is_declared then {{ always }} else coalesce(told_from, kept_from)
            end as told_from
        from combined
    ),

    final as (
        select
            source_instance,
            field,
            known_from is not null as is_known,
            known_from,
            case when known_from is not null then told_from end as told_from
        from dated
    )

select *
from final
