-- The field changes of opportunities, in order, each with the value before it: those that sources
-- tell, and those seen between the versions of a deal.
--
-- Changes of one field in one instant are put in the order in which one's new value is the next
-- one's old value, else in the source's order. A change to the value that a field had already is
-- none.
with changes as (
    select
        field_change_key, source_instance, entity_id, field, old_value, new_value, changed_at,
        changed_by, source_row, source_id
    from {{ ref('int_field_changes__unioned') }}
    where entity = 'opportunities' and not is_deleted

    union all

    select
        field_change_key, source_instance, entity_id, field, old_value, new_value, changed_at,
        null as changed_by, null as source_row, field_change_key as source_id
    from {{ ref('int_opportunity_version_changes') }}
),

opportunities as (
    select opportunity_key, source_instance, source_id, pipeline
    from {{ ref('int_opportunities__unioned') }}
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
        changes.source_id,
        count(*) over (
            partition by opportunities.opportunity_key, changes.field, changes.changed_at
        ) as in_one_instant
    from changes
    inner join opportunities
        on changes.source_instance = opportunities.source_instance
        and changes.entity_id = opportunities.source_id
),

followers as (
    select distinct later.field_change_key
    from of_opportunities as later
    inner join of_opportunities as earlier
        on later.opportunity_key = earlier.opportunity_key
        and later.field = earlier.field
        and later.changed_at = earlier.changed_at
        and later.old_value = earlier.new_value
        and later.field_change_key <> earlier.field_change_key
    where later.in_one_instant > 1 and earlier.in_one_instant > 1
),

ordered as (
    select
        of_opportunities.*,
        row_number() over (
            partition by of_opportunities.opportunity_key, of_opportunities.field
            order by
                of_opportunities.changed_at,
                case when followers.field_change_key is null then 0 else 1 end,
                of_opportunities.source_row,
                of_opportunities.source_id
        ) as position
    from of_opportunities
    left join followers on of_opportunities.field_change_key = followers.field_change_key
),

with_previous as (
    select
        *,
        lag(new_value) over (partition by opportunity_key, field order by position) as previous_value
    from ordered
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
    from with_previous
    where coalesce(old_value, previous_value) is null
        or new_value <> coalesce(old_value, previous_value)
        or previous_value <> new_value
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
        row_number() over (partition by opportunity_key, field order by position) as position,
        row_number() over (partition by opportunity_key, field order by position desc) = 1 as is_last
    from effective
)

select * from final
