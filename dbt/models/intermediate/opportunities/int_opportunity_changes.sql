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

    crowded_instants as (
        select source_instance, entity_id, field, changed_at
        from changes
        group by source_instance, entity_id, field, changed_at
        having count(*) > 1
    ),

    in_crowds as (
        select changes.*
        from changes
        inner join
            crowded_instants
            on changes.source_instance = crowded_instants.source_instance
            and changes.entity_id = crowded_instants.entity_id
            and changes.field = crowded_instants.field
            and changes.changed_at = crowded_instants.changed_at
    ),

    followers as (
        select distinct later.field_change_key
        from in_crowds as later
        inner join
            in_crowds as earlier
            on later.source_instance = earlier.source_instance
            and later.entity_id = earlier.entity_id
            and later.field = earlier.field
            and later.changed_at = earlier.changed_at
            and later.old_value = earlier.new_value
            and later.field_change_key <> earlier.field_change_key
    ),

    ranked_in_crowds as (
        select
            in_crowds.field_change_key,
            row_number() over (
                partition by
                    in_crowds.source_instance,
                    in_crowds.entity_id,
                    in_crowds.field,
                    in_crowds.changed_at
                order by
                    case when followers.field_change_key is null then 0 else 1 end,
                    in_crowds.source_row,
                    in_crowds.source_id
            ) as crowd_rank
        from in_crowds
        left join followers on in_crowds.field_change_key = followers.field_change_key
    ),

    ordered as (
        select
            changes.field_change_key,
            changes.source_instance,
            changes.entity_id,
            changes.field,
            changes.old_value,
            changes.new_value,
            changes.changed_at,
            changes.changed_by,
            row_number() over in_order as position,
            lag(changes.new_value) over in_order as previous_value
        from changes
        left join ranked_in_crowds on changes.field_change_key = ranked_in_crowds.field_change_key
        window
            in_order as (
                partition by changes.entity_id, changes.field, changes.source_instance
                order by changes.changed_at, ranked_in_crowds.crowd_rank
            )
    ),

    effective as (
        select
            field_change_key,
            source_instance,
            entity_id,
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
            source_instance,
            entity_id,
            field,
            old_value,
            new_value,
            changed_at,
            changed_by,
            row_number() over in_order as position,
            lead(changed_at) over in_order as next_changed_at
        from effective
        window in_order as (partition by entity_id, field, source_instance order by position)
    ),

    opportunities as (
        select opportunity_key, source_instance, source_id, pipeline
        from {{ ref("int_opportunities__unioned") }}
    ),

    final as (
        select
            numbered.field_change_key,
            opportunities.opportunity_key,
            opportunities.source_instance,
            opportunities.pipeline,
            numbered.field,
            numbered.old_value,
            numbered.new_value,
            numbered.changed_at,
            numbered.changed_by,
            numbered.position,
            numbered.next_changed_at is null as is_last,
            numbered.next_changed_at is null
            or numbered.next_changed_at > numbered.changed_at as is_last_in_instant
        from numbered
        inner join
            opportunities
            on numbered.source_instance = opportunities.source_instance
            and numbered.entity_id = opportunities.source_id
    )

select *
from final
