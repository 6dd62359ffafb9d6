{%- set fields = value_fields() -%}
{#- Those that are no text. -#}
{%- set readers = {
    "amount": money_from_text,
    "close_date": date_from_text,
    "probability": share_from_text,
} -%}
-- What told histories of deals say that cannot be: one row per deal, field and finding.
--
-- `emptied_contradicted`: a field was emptied, and its next change starts from a value, or its
-- record has one; or its last change gave it a value, and its record has none. A stage is never
-- empty. A change that tells neither value tells nothing, and is contradicted by the record alone.
-- `history_unreadable`: an amount that is no number, a close date that is no day, a probability
-- that is not from 0 to 1.
with
    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    changes as (
        select
            opportunity_key,
            field,
            old_value,
            new_value,
            is_told,
            position,
            next_changed_at is null as is_last
        from {{ ref("int_opportunity_changes") }}
        where field in ('{{ fields | join("', '") }}')
    ),

    without_value as (
        select distinct opportunities.opportunity_key, told.field
        from {{ ref("int_field_changes__unioned") }} as told
        inner join
            opportunities
            on told.source_instance = opportunities.source_instance
            and told.entity_id = opportunities.source_id
        where
            told.entity = 'opportunities'
            and not told.is_deleted
            and told.new_value is null
            and told.field in ('stage', '{{ fields | join("', '") }}')
    ),

    last_changes as (select * from changes where is_last),

    -- Deals whose history ends by saying whether the field has a value.
    ends as (
        select opportunity_key, field, new_value is not null as has_value
        from last_changes
        where is_told

        union all

        select without_value.opportunity_key, without_value.field, false as has_value
        from without_value
        left join
            last_changes
            on without_value.opportunity_key = last_changes.opportunity_key
            and without_value.field = last_changes.field
        where last_changes.opportunity_key is null and without_value.field <> 'stage'
    ),

    final as (
        select ends.opportunity_key, ends.field, 'emptied_contradicted' as finding
        from ends
        inner join opportunities on ends.opportunity_key = opportunities.opportunity_key
        where
            case
                ends.field
                {%- for field in fields %}
                    when '{{ field }}' then opportunities.{{ field }} is not null
                {%- endfor %}
            end
            <> ends.has_value

        union

        select emptied.opportunity_key, emptied.field, 'emptied_contradicted' as finding
        from changes as emptied
        inner join
            changes as next_changes
            on emptied.opportunity_key = next_changes.opportunity_key
            and emptied.field = next_changes.field
            and emptied.position + 1 = next_changes.position
        where
            emptied.is_told
            and next_changes.is_told
            and emptied.new_value is null
            and next_changes.old_value is not null

        union

        select opportunity_key, field, 'emptied_contradicted' as finding
        from without_value
        where field = 'stage'

        union

        select opportunity_key, field, 'history_unreadable' as finding
        from changes
        where
            case
                field
                {%- for field, read in readers.items() %}
                    when '{{ field }}'
                    then
                        {%- for value in ["old_value", "new_value"] %}
                            ({{ value }} is not null and {{ read(value) }} is null)
                            {{- ' or ' if not loop.last }}
                        {%- endfor %}
                {%- endfor %}
            end
    )

select *
from final
