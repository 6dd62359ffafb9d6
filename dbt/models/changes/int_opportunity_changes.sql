{{
    increment(
        "news",
        of={
            "int_opportunities__unioned": ["opportunity_key", "opportunity_key"],
            "int_field_changes__unioned": of_records(),
            "int_opportunity_version_changes": of_records(),
        },
    )
}}
{#- Longer ways within an instant are not looked for: they would be many. -#}
{%- set longest_chain = 12 -%}
-- The field changes of opportunities, in order, each with the value before it: those that sources
-- tell, and those seen between the versions of a deal.
--
-- Changes of one field in one instant are put in the order in which one's new value is the next
-- one's old value, all the way, else in the source's order. A change to the value that a field
-- had already is none.
--
-- A new value of NULL says that the field was emptied; where what it had is told, an empty old one
-- follows it. Every deal is in a stage: one that was emptied is still the one before.
with recursive
    changes as (
        select
            field_change_key,
            source_instance,
            entity_id,
            field,
            old_value,
            case
                when field = 'stage' then coalesce(new_value, old_value) else new_value
            end as new_value,
            new_value is null as is_emptied,
            field = 'stage' and new_value is null as is_no_move,
            changed_at,
            changed_by,
            source_row,
            source_id,
            true as is_told
        from {{ ref("int_field_changes__unioned") }}
        where
            entity = 'opportunities'
            and not is_deleted
            and not (field = 'stage' and old_value is null and new_value is null)

        union all

        select
            field_change_key,
            source_instance,
            entity_id,
            field,
            old_value,
            new_value,
            new_value is null as is_emptied,
            false as is_no_move,
            changed_at,
            null as changed_by,
            null as source_row,
            field_change_key as source_id,
            false as is_told
        from {{ ref("int_opportunity_version_changes") }}
    ),

    by_time as (
        select
            field_change_key,
            source_instance,
            entity_id,
            field,
            old_value,
            new_value,
            changed_at,
            changed_by,
            is_told,
            is_no_move,
            row_number() over in_time as position,
            lag(new_value) over in_time as previous_value,
            lag(changed_at) over in_time as previous_changed_at,
            lead(changed_at) over in_time as next_changed_at
        from changes
        window in_time as (partition by entity_id, field, source_instance order by changed_at)
    ),

    -- The few histories that time alone does not put in order, or that tell of a change that is
    -- none.
    unclear as (
        select distinct source_instance, entity_id, field
        from by_time
        where previous_changed_at = changed_at or is_no_move or not {{ is_change() }}
    ),

    unclear_changes as (
        select changes.*
        from changes
        inner join
            unclear
            on changes.source_instance = unclear.source_instance
            and changes.entity_id = unclear.entity_id
            and changes.field = unclear.field
    ),

    crowded_instants as (
        select source_instance, entity_id, field, changed_at
        from unclear_changes
        group by source_instance, entity_id, field, changed_at
        having count(*) > 1
    ),

    -- Where a change starts, and where it leads to; '' is no value.
    in_crowds as (
        select
            unclear_changes.*,
            coalesce(unclear_changes.old_value, '') as starts_at,
            case
                when not unclear_changes.is_emptied
                then unclear_changes.new_value
                when unclear_changes.old_value is not null
                then ''
            end as leads_to
        from unclear_changes
        inner join
            crowded_instants
            on unclear_changes.source_instance = crowded_instants.source_instance
            and unclear_changes.entity_id = crowded_instants.entity_id
            and unclear_changes.field = crowded_instants.field
            and unclear_changes.changed_at = crowded_instants.changed_at
    ),

    -- Within an instant a change may follow one that led to where it starts.
    following as (
        select
            earlier.field_change_key as earlier_change_key,
            later.field_change_key as later_change_key
        from in_crowds as earlier
        inner join
            in_crowds as later
            on earlier.source_instance = later.source_instance
            and earlier.entity_id = later.entity_id
            and earlier.field = later.field
            and earlier.changed_at = later.changed_at
            and earlier.leads_to = later.starts_at
            and earlier.field_change_key <> later.field_change_key
    ),

    ends_of_crowds as (
        select distinct
            in_crowds.source_instance,
            in_crowds.entity_id,
            in_crowds.field,
            in_crowds.changed_at,
            in_crowds.leads_to
        from in_crowds
        left join following on in_crowds.field_change_key = following.earlier_change_key
        where following.earlier_change_key is null
    ),

    preceded as (select distinct later_change_key from following),

    -- Where the ways from old value to new one within an instant may begin.
    beginnings as (
        select
            in_crowds.field_change_key,
            in_crowds.source_row,
            case
                when ends_of_crowds.leads_to is not null
                then 0
                when
                    crowded_instants.changed_at is null
                    and by_time.previous_changed_at is not null
                    and coalesce(by_time.previous_value, '') = in_crowds.starts_at
                then 0
                when
                    preceded.later_change_key is null
                    or (by_time.previous_changed_at is null and in_crowds.starts_at = '')
                then 1
                else 2
            end as preference
        from in_crowds
        inner join
            by_time
            on in_crowds.source_instance = by_time.source_instance
            and in_crowds.entity_id = by_time.entity_id
            and in_crowds.field = by_time.field
            and in_crowds.changed_at = by_time.changed_at
            and in_crowds.changed_at is distinct from by_time.previous_changed_at
        left join
            crowded_instants
            on by_time.source_instance = crowded_instants.source_instance
            and by_time.entity_id = crowded_instants.entity_id
            and by_time.field = crowded_instants.field
            and by_time.previous_changed_at = crowded_instants.changed_at
        left join
            ends_of_crowds
            on by_time.source_instance = ends_of_crowds.source_instance
            and by_time.entity_id = ends_of_crowds.entity_id
            and by_time.field = ends_of_crowds.field
            and by_time.previous_changed_at = ends_of_crowds.changed_at
            and in_crowds.starts_at = ends_of_crowds.leads_to
        left join preceded on in_crowds.field_change_key = preceded.later_change_key
    ),

    chains as (
        select
            in_crowds.source_instance,
            in_crowds.entity_id,
            in_crowds.field,
            in_crowds.changed_at,
            in_crowds.leads_to,
            beginnings.preference,
            beginnings.source_row,
            1 as length,
            '|' || in_crowds.field_change_key || '|' as way
        from in_crowds
        inner join beginnings on in_crowds.field_change_key = beginnings.field_change_key

        union all

        select
            chains.source_instance,
            chains.entity_id,
            chains.field,
            chains.changed_at,
            in_crowds.leads_to,
            chains.preference,
            chains.source_row,
            chains.length + 1 as length,
            chains.way || in_crowds.field_change_key || '|' as way
        from chains
        inner join
            in_crowds
            on chains.source_instance = in_crowds.source_instance
            and chains.entity_id = in_crowds.entity_id
            and chains.field = in_crowds.field
            and chains.changed_at = in_crowds.changed_at
            and chains.leads_to = in_crowds.starts_at
        where
            chains.way not like '%|' || in_crowds.field_change_key || '|%'
            and chains.length < {{ longest_chain }}
    ),

    chosen_chains as (
        select
            *,
            row_number() over (
                partition by source_instance, entity_id, field, changed_at
                order by
                    case when preference = 0 then 0 else 1 end,
                    length desc,
                    preference,
                    source_row,
                    way
            ) as choice
        from chains
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
                    coalesce(
                        nullif(position(in_crowds.field_change_key in chosen_chains.way), 0),
                        1000000
                    ),
                    in_crowds.source_row,
                    in_crowds.source_id
            ) as crowd_rank
        from in_crowds
        left join
            chosen_chains
            on in_crowds.source_instance = chosen_chains.source_instance
            and in_crowds.entity_id = chosen_chains.entity_id
            and in_crowds.field = chosen_chains.field
            and in_crowds.changed_at = chosen_chains.changed_at
            and chosen_chains.choice = 1
            and chosen_chains.length > 1
    ),

    ordered as (
        select
            unclear_changes.field_change_key,
            unclear_changes.source_instance,
            unclear_changes.entity_id,
            unclear_changes.field,
            unclear_changes.old_value,
            unclear_changes.new_value,
            unclear_changes.changed_at,
            unclear_changes.changed_by,
            unclear_changes.is_told,
            unclear_changes.is_no_move,
            row_number() over in_turn as position,
            lag(unclear_changes.new_value) over in_turn as previous_value,
            lag(unclear_changes.changed_at) over in_turn as previous_changed_at
        from unclear_changes
        left join
            ranked_in_crowds on unclear_changes.field_change_key = ranked_in_crowds.field_change_key
        window
            in_turn as (
                partition by
                    unclear_changes.entity_id,
                    unclear_changes.field,
                    unclear_changes.source_instance
                order by unclear_changes.changed_at, ranked_in_crowds.crowd_rank
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
            is_told,
            position
        from ordered
        where {{ is_change() }} and not is_no_move
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
            is_told,
            row_number() over in_effect as position,
            lead(changed_at) over in_effect as next_changed_at
        from effective
        window in_effect as (partition by entity_id, field, source_instance order by position)

        union all

        select
            by_time.field_change_key,
            by_time.source_instance,
            by_time.entity_id,
            by_time.field,
            coalesce(by_time.old_value, by_time.previous_value) as old_value,
            by_time.new_value,
            by_time.changed_at,
            by_time.changed_by,
            by_time.is_told,
            by_time.position,
            by_time.next_changed_at
        from by_time
        left join
            unclear
            on by_time.source_instance = unclear.source_instance
            and by_time.entity_id = unclear.entity_id
            and by_time.field = unclear.field
        where unclear.entity_id is null
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
            numbered.next_changed_at,
            numbered.changed_by,
            numbered.is_told,
            numbered.position
        from numbered
        inner join
            opportunities
            on numbered.source_instance = opportunities.source_instance
            and numbered.entity_id = opportunities.source_id
    )

select *
from final
