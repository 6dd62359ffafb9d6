{#- How many values of a column are looked at: those with the most money. -#}
{%- set looked_at = 200 -%}
{%- set value, meant = without_blanks("value"), without_blanks("meant") -%}
-- The values of references that resolve to nothing, the most costly first, each with what it may
-- have been meant to be: what differs from it only in how it is written, or is called by it.
with
    unknown as (
        select
            *,
            row_number() over (
                partition by source_instance, entity, column_name, target
                order by coalesce(money, 0) desc, records desc, value
            ) as position
        from {{ ref("int_references") }}
        where not is_known
    ),

    named as (select * from unknown where position <= {{ looked_at }}),

    sought as (
        select target, value, {{ loosely("value") }} as loose_value
        from (select distinct target, value from named) as named_values
    ),

    targets as (
        select target, target_id, name, email
        from {{ ref("int_reference_targets") }}
        where target in (select target from sought)
    ),

    candidates as (
        {%- for kind, found, condition in [
            ("id", "target_id", "sought.loose_value = " ~ loosely("targets.target_id")),
            (
                "id",
                "target_id",
                "left(sought.value, 15) = left(targets.target_id, 15)"
                ~ " and length(sought.value) + length(targets.target_id) = 33"
                ~ " and length(sought.value) in (15, 18)",
            ),
            ("name", "name", "sought.loose_value = " ~ loosely("targets.name")),
            ("email", "email", "sought.loose_value = " ~ loosely("targets.email")),
        ] %}
            select
                sought.target,
                sought.value,
                '{{ kind }}' as kind,
                targets.{{ found }} as meant,
                targets.target_id as meant_id
            from sought
            inner join
                targets on sought.target = targets.target and {{ condition }}
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    explained as (
        select
            target,
            value,
            meant_id,
            case
                when kind <> 'id'
                then kind || ' instead of id'
                when {{ value }} = {{ meant }}
                then 'blanks'
                when lower({{ value }}) = lower({{ meant }})
                then 'case'
                when length(value) <> length(meant) and left(value, 15) = left(meant, 15)
                then '15 against 18 characters'
                when
                    regexp_replace({{ value }}, '\.0+$', '') = {{ meant }}
                    or {{ value }} = regexp_replace({{ meant }}, '\.0+$', '')
                then '.0 at the end'
                when ltrim({{ value }}, '0') = ltrim({{ meant }}, '0')
                then 'leading zeros'
                else 'spelled another way'
            end as reason
        from candidates
        -- The same id is one of another source, where nothing is looked for.
        where kind <> 'id' or value <> meant
    ),

    closest as (
        select
            *,
            min(meant_id) over (partition by target, value, reason)
            <> max(meant_id) over (partition by target, value, reason) as is_of_several,
            row_number() over (
                partition by target, value
                order by
                    case
                        reason
                        when 'blanks'
                        then 1
                        when 'case'
                        then 2
                        when 'spelled another way'
                        then 4
                        when 'name instead of id'
                        then 5
                        when 'email instead of id'
                        then 6
                        else 3
                    end,
                    meant_id
            ) as choice
        from explained
    ),

    final as (
        select
            named.source_instance,
            named.entity,
            named.column_name,
            named.target,
            named.is_provided,
            named.value,
            named.records,
            named.money,
            named.position,
            case
                when not (closest.reason = 'name instead of id' and closest.is_of_several)
                then closest.meant_id
            end as meant_id,
            case
                when not named.is_provided
                then 'no source provides ' || named.target
                when
                    named.entity = 'field_changes'
                    and named.column_name = 'entity_id'
                    and named.target not in ('{{ contract() | join("', '") }}')
                then named.target || ' is no entity of the contract'
                when closest.reason = 'name instead of id' and closest.is_of_several
                then 'name that several have'
                when closest.reason is not null
                then closest.reason
                when named.found_in is not null
                then 'id of source ' || named.found_in
                when
                    lower({{ without_blanks("named.value") }})
                    ~ '^(grand |sub)?(total|totals|totale|sum|summe|suma|somme|gesamt)( .*)?:?$'
                then 'a total'
            end as reason
        from named
        left join
            closest
            on named.target = closest.target
            and named.value = closest.value
            and closest.choice = 1
    )

select *
from final
