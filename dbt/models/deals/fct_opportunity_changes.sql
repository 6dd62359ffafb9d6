{{
    increment(
        "clocked",
        of=["fct_opportunities", "int_opportunity_changes", "int_opportunity_stage_changes"],
    )
}}
-- Every change of a deal's fields up to the run's moment, with the value before and after.
with
    -- What only renamed a stage is none.
    changes as (
        select
            changes.*,
            places.old_pipeline,
            places.old_stage,
            places.pipeline as new_pipeline,
            places.stage as new_stage
        from {{ ref("int_opportunity_changes") }} as changes
        left join
            {{ ref("int_opportunity_stage_changes") }} as places
            on case when changes.field = 'stage' then changes.field_change_key end
            = places.field_change_key
        where
            changes.changed_at <= {{ as_of() }}
            and (changes.field <> 'stage' or places.field_change_key is not null)
    ),

    opportunities as (
        select opportunity_key, opportunity_id, currency from {{ ref("fct_opportunities") }}
    ),

    stages as (select * from {{ ref("int_stages__resolved") }}),

    final as (
        select
            changes.field_change_key,
            changes.opportunity_key,
            opportunities.opportunity_id,
            changes.field,
            changes.position,
            coalesce(changes.old_stage, changes.old_value) as old_value,
            coalesce(changes.new_stage, changes.new_value) as new_value,
            changes.changed_at,
            {{ local_day("changes.changed_at") }} as changed_on,
            changes.changed_by,
            old_stages.stage_order as old_stage_order,
            new_stages.stage_order as new_stage_order,
            old_stages.status as old_status,
            new_stages.status as new_status
        from changes
        inner join opportunities on changes.opportunity_key = opportunities.opportunity_key
        left join
            stages as old_stages
            on changes.source_instance = old_stages.source_instance
            and coalesce(changes.old_pipeline, '') = coalesce(old_stages.pipeline, '')
            and changes.old_stage = old_stages.stage
        left join
            stages as new_stages
            on changes.source_instance = new_stages.source_instance
            and coalesce(changes.new_pipeline, '') = coalesce(new_stages.pipeline, '')
            and changes.new_stage = new_stages.stage
    )

select *
from final
