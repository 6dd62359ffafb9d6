{%- set stages = raw_stages() -%}
-- The names that stages had before, each with the stage that goes on: one row per pipeline in which
-- histories and older versions may tell of it by that name.
--
-- A stage whose record stays (`source_id`) and whose name changes was renamed. Where a source gives
-- no ids a name is all there is of a stage: one that vanished in the load in which another one
-- appeared in its place (pipeline, order and status, and no other one in that place came or went)
-- was renamed, too, by inference. One that came back later, and went alone, was not. A name that
-- a stage of the pipeline has now is that stage's.
with recursive
    versions as (
        {%- for source_type in var("source_types") if source_type in stages %}
            select
                '{{ source_type }}' as source_type,
                source_instance,
                source_id,
                coalesce(pipeline, '') as pipeline,
                {{ stages[source_type].name }} as stage,
                {% if source_type in canonical_types() -%}
                    stage_order,
                    status,
                    coalesce(
                        source_id
                        = md5(concat_ws(chr(31), 'pipeline=' || pipeline, 'stage=' || stage)),
                        false
                    ) as has_name_only,
                {%- else -%} null as stage_order, null as status, false as has_name_only,
                {%- endif %}
                coalesce(is_deleted, false) as is_deleted,
                load_number
            from {{ known_versions(source_type, stages[source_type].table) }}
            {%- if stages[source_type].only %}
                where {{ stages[source_type].only }} {%- endif %} {{ 'union all' if not loop.last }}
        {%- else %}
            select
                cast(null as {{ dbt.type_string() }}) as source_type,
                cast(null as {{ dbt.type_string() }}) as source_instance,
                cast(null as {{ dbt.type_string() }}) as source_id,
                cast(null as {{ dbt.type_string() }}) as pipeline,
                cast(null as {{ dbt.type_string() }}) as stage,
                cast(null as bigint) as stage_order,
                cast(null as {{ dbt.type_string() }}) as status,
                false as has_name_only,
                false as is_deleted,
                cast(null as bigint) as load_number
            where false
        {%- endfor %}
    ),

    followed as (
        select
            *,
            lag(is_deleted) over in_order as was_deleted,
            row_number() over (
                partition by source_type, source_instance, source_id order by load_number desc
            ) as nth_from_last
        from versions
        window
            in_order as (partition by source_type, source_instance, source_id order by load_number)
    ),

    latest as (select * from followed where nth_from_last = 1),

    by_record as (
        select distinct
            versions.source_instance,
            versions.pipeline as former_pipeline,
            versions.stage as former_stage,
            latest.pipeline,
            latest.stage,
            false as is_inferred
        from versions
        inner join
            latest
            on versions.source_type = latest.source_type
            and versions.source_instance = latest.source_instance
            and versions.source_id = latest.source_id
            and (versions.stage <> latest.stage or versions.pipeline <> latest.pipeline)
    ),

    {%- for came_or_went, condition in {
        "vanished": "is_deleted and not was_deleted and nth_from_last = 1",
        "appeared": "not is_deleted and coalesce(was_deleted, true)",
    }.items() %}
        {{ came_or_went }} as (
            select source_instance, load_number, pipeline, stage_order, status, max(stage) as stage
            from followed
            where has_name_only and {{ condition }}
            group by source_instance, load_number, pipeline, stage_order, status
            having count(*) = 1
        ),
    {% endfor %}
    replaced as (
        select
            vanished.source_instance,
            vanished.load_number,
            vanished.pipeline,
            vanished.stage as former_stage,
            appeared.stage
        from vanished
        inner join
            appeared
            on vanished.source_instance = appeared.source_instance
            and vanished.load_number = appeared.load_number
            and vanished.pipeline = appeared.pipeline
            and vanished.stage_order = appeared.stage_order
            and vanished.status = appeared.status
    ),

    -- Renamed twice over, a stage goes on under its last name.
    by_place as (
        select source_instance, load_number, pipeline, former_stage, stage
        from replaced

        union all

        select
            by_place.source_instance,
            replaced.load_number,
            by_place.pipeline,
            by_place.former_stage,
            replaced.stage
        from by_place
        inner join
            replaced
            on by_place.source_instance = replaced.source_instance
            and by_place.pipeline = replaced.pipeline
            and by_place.stage = replaced.former_stage
            and by_place.load_number < replaced.load_number
    ),

    last_names as (
        select
            *,
            row_number() over (
                partition by source_instance, pipeline, former_stage order by load_number desc
            ) as nth_from_last
        from by_place
    ),

    renamed as (
        select *
        from by_record

        union all

        select
            source_instance,
            pipeline as former_pipeline,
            former_stage,
            pipeline,
            stage,
            true as is_inferred
        from last_names
        where nth_from_last = 1
    ),

    -- The stages common to all pipelines are those of each.
    pipelines as (
        select distinct source_instance, coalesce(pipeline, '') as pipeline
        from {{ ref("int_opportunities__unioned") }}
    ),

    of_pipelines as (
        select *
        from renamed

        union all

        select
            renamed.source_instance,
            pipelines.pipeline as former_pipeline,
            renamed.former_stage,
            pipelines.pipeline,
            renamed.stage,
            renamed.is_inferred
        from renamed
        inner join
            pipelines
            on renamed.source_instance = pipelines.source_instance
            and renamed.former_pipeline = ''
            and renamed.pipeline = ''
            and pipelines.pipeline <> ''
    ),

    {#- One of two records that had the same name is enough to go on as. #}
    chosen as (
        select
            of_pipelines.*,
            row_number() over (
                partition by
                    of_pipelines.source_instance,
                    of_pipelines.former_pipeline,
                    of_pipelines.former_stage
                order by
                    case when of_pipelines.is_inferred then 1 else 0 end,
                    case when latest.is_deleted then 1 else 0 end,
                    of_pipelines.pipeline,
                    of_pipelines.stage
            ) as choice
        from of_pipelines
        inner join
            latest
            on of_pipelines.source_instance = latest.source_instance
            and latest.pipeline in (of_pipelines.pipeline, '')
            and of_pipelines.stage = latest.stage
        left join
            latest as namesakes
            on of_pipelines.source_instance = namesakes.source_instance
            and of_pipelines.former_pipeline = namesakes.pipeline
            and of_pipelines.former_stage = namesakes.stage
            and not namesakes.is_deleted
        left join
            latest as common_namesakes
            on of_pipelines.source_instance = common_namesakes.source_instance
            and common_namesakes.pipeline = ''
            and of_pipelines.former_stage = common_namesakes.stage
            and not common_namesakes.is_deleted
        where namesakes.stage is null and common_namesakes.stage is null
    ),

    final as (
        select source_instance, former_pipeline, former_stage, pipeline, stage, is_inferred
        from chosen
        where choice = 1
    )

select *
from final
