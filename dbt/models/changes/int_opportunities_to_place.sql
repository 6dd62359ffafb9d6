{{
    increment(
        "news",
        of=["int_opportunity_changes"],
        compared={
            "int_opportunities__unioned": "select distinct source_instance, pipeline from {rows}"
        },
        materialized="view",
    )
}}
-- Deals whose history is not simply one of stages of their own pipeline: it tells of pipelines, or
-- names stages as they were called before, or as only other pipelines have them.
with
    opportunities as (
        select opportunity_key, source_instance, coalesce(pipeline, '') as pipeline, stage
        from {{ ref("int_opportunities__unioned") }}
    ),

    changes as (
        select
            opportunity_key,
            source_instance,
            coalesce(pipeline, '') as pipeline,
            field,
            old_value,
            new_value,
            next_changed_at,
            position
        from {{ ref("int_opportunity_changes") }}
        where field in ('stage', 'pipeline')
    ),

    meanings as (select * from {{ ref("int_stage_meanings") }}),

    -- Deals whose history tells of pipelines in the words of the record, which names one: a history
    -- of ids beside names, or of what the record does not tell, says nothing of where it is.
    understood as (
        select changes.opportunity_key
        from changes
        inner join
            (
                select source_instance, pipeline
                from meanings

                union

                select source_instance, pipeline
                from opportunities
            ) as pipelines
            on changes.source_instance = pipelines.source_instance
            and changes.new_value = pipelines.pipeline
        where
            changes.field = 'pipeline'
            and changes.pipeline <> ''
            and changes.next_changed_at is null
        group by changes.opportunity_key
    ),

    kinds as (
        {%- for value in ["old_value", "new_value"] %}
            select source_instance, pipeline, {{ value }} as name
            from changes
            where field = 'stage' and {{ value }} is not null
            group by source_instance, pipeline, {{ value }} {{ 'union' if not loop.last }}
        {%- endfor %}
    ),

    -- Names that mean a stage, but not simply one of the deal's own pipeline.
    odd_kinds as (
        select
            kinds.source_instance,
            kinds.pipeline,
            kinds.name,
            max(case when meanings.pipeline in (kinds.pipeline, '') then 1 else 0 end)
            = 0 as is_foreign
        from kinds
        inner join
            meanings
            on kinds.source_instance = meanings.source_instance
            and kinds.name = meanings.name
        group by kinds.source_instance, kinds.pipeline, kinds.name
        having
            max(
                case
                    when meanings.pipeline in (kinds.pipeline, '') and meanings.stage = kinds.name
                    then 1
                    else 0
                end
            )
            = 0
    ),

    -- Deals whose record is in a stage that its pipeline lists: a name that this pipeline does not
    -- list is of another one. Of other deals nobody knows what their pipelines have.
    settled as (
        select opportunities.opportunity_key
        from opportunities
        inner join
            meanings
            on opportunities.source_instance = meanings.source_instance
            and opportunities.pipeline = meanings.pipeline
            and opportunities.stage = meanings.name
            and meanings.pipeline <> ''
        group by opportunities.opportunity_key
    ),

    involved as (
        {%- for value in ["old_value", "new_value"] %}
            select changes.opportunity_key
            from changes
            inner join
                odd_kinds
                on changes.source_instance = odd_kinds.source_instance
                and changes.pipeline = odd_kinds.pipeline
                and changes.{{ value }} = odd_kinds.name
            left join settled on changes.opportunity_key = settled.opportunity_key
            where
                changes.field = 'stage'
                and (not odd_kinds.is_foreign or settled.opportunity_key is not null)

            union
        {% endfor %}
        select changes.opportunity_key
        from changes
        inner join understood on changes.opportunity_key = understood.opportunity_key
        where
            changes.field = 'pipeline'
            and (
                changes.old_value is not null
                or changes.position > 1
                or changes.new_value <> changes.pipeline
            )
    ),

    final as (
        select
            involved.opportunity_key,
            settled.opportunity_key is not null as is_settled,
            understood.opportunity_key is not null as tells_pipelines
        from involved
        left join settled on involved.opportunity_key = settled.opportunity_key
        left join understood on involved.opportunity_key = understood.opportunity_key
    )

select *
from final
