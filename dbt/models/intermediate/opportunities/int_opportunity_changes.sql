-- The field changes of opportunities, in order, each with the value before it: those that sources
-- tell, and those seen between the versions of a deal.
--
-- Changes of one field in one instant are put in the order in which one's new value is the next
-- one's old value, else in the source's order. A change to the value that a field had already is
-- none.
with
    changes as (
        select
            field_change_key,
            source_instance,
            entity_id,
            field,
            old_value,
            new_value,
            changed_at,
            changed_by,
            source_row,
            source_id
        from {{ ref("int_field_changes__unioned") }}
        where entity = 'opportunities' and not is_deleted

        union all

        select
            field_change_key,
            source_instance,
            entity_id,
            field,
            old_value,
            new_value,
            changed_at,
            null as changed_by,
            null as source_row,
            field_change_key as source_id
        from {{ ref("int_opportunity_version_changes") }}
    ),

    opportunities as (
        select opportunity_key, source_instance, source_id, pipeline
        from {{ ref("int_opportunities__unioned") }}
    ),

    of_opportunities as (
        select
            changes.field_change_key,
            opportunities.opportunity_key,
            opportunities.source_instance,
            opportunities.pipeline,
            changes.field,
            changes.old_value,
            changes.new_value,
            changes.changed_at,
            changes.changed_by,
            changes.source_row,
            changes.source_id
        from changes
        inner join
            opportunities
            on changes.source_instance = opportunities.source_instance
            and changes.entity_id = opportunities.source_id
    ),

    crowded_instants as (
        select opportunity_key, field, changed_at
        from of_opportunities
        group by opportunity_key, field, changed_at
        having count(*) > 1
    ),

    in_crowds as (
        select of_opportunities.*
        from of_opportunities
        inner join
            crowded_instants
            on of_opportunities.opportunity_key = crowded_instants.opportunity_key
            and of_opportunities.field = crowded_instants.field
            and of_opportunities.changed_at = crowded_instants.changed_at
    ),

    followers as (
        select distinct later.field_change_key
        from in_crowds as later
        inner join
            in_crowds as earlier
            on later.opportunity_key = earlier.opportunity_key
            and later.field = earlier.field
            and later.changed_at = earlier.changed_at
            and later.old_value = earlier.new_value
            and later.field_change_key <> earlier.field_change_key
    ),

    ordered as (
        select
            of_opportunities.*,
            row_number() over in_order as position,
            lag(of_opportunities.new_value) over in_order as previous_value
        from of_opportunities
        left join followers on of_opportunities.field_change_key = followers.field_change_key
        window
            in_order as (
                partition by of_opportunities.opportunity_key, of_opportunities.field
                order by
                    of_opportunities.changed_at,
                    case when followers.field_change_key is null then 0 else 1 end,
                    of_opportunities.source_row,
                    of_opportunities.source_id
            )
    ),

    effective as (
        select
            field_change_key,
            opportunity_key,
            source_instance,
            pipeline,
            field,
            coalesce(old_value, previous_value) as old_value,
            new_value,
            changed_at,
            changed_by,
            position
        from ordered
        where
            coalesce(old_value, previous_value) is null
            or new_value <> coalesce(old_value, previous_value)
            or previous_value <> new_value
    ),

    numbered as (
        select
            field_change_key,
            opportunity_key,
            source_instance,
            pipeline,
            field,
            old_value,
            new_value,
            changed_at,
            changed_by,
            row_number() over in_order as position,
            lead(changed_at) over in_order as next_changed_at
        from effective
        window in_order as (partition by opportunity_key, field order by position)
    ),

    final as (
        select
            field_change_key,
            opportunity_key,
            source_instance,
            pipeline,
            field,
            old_value,
            new_value,
            changed_at,
            changed_by,
            position,
            next_changed_at is null as is_last,
            next_changed_at is null or next_changed_at > changed_at as is_last_in_instant
        from numbered
    )

select *
from final
