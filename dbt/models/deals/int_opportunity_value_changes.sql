{{
    increment(
        "clocked",
        of=["int_opportunity_changes", "int_opportunity_ends", "int_opportunity_closings"],
        materialized="view",
    )
}}
-- From when on the changes of a deal's fields hold, but those of its stage.
--
-- What the history tells of before a deal began holds from its beginning on. Where a
-- closing was entered later than the day that dates it, what it was worth was entered with it: an
-- amount of after that day, up to the told or first seen closing, holds from the closing on.
with
    changes as (
        select *
        from {{ ref("int_opportunity_changes") }}
        where field in ('{{ value_fields() | join("', '") }}')
    ),

    ends as (select opportunity_key, begins_at from {{ ref("int_opportunity_ends") }}),

    entered_late as (
        select opportunity_key, closed_at, window_to
        from {{ ref("int_opportunity_closings") }}
        where closed_at < window_to
    ),

    {%- set moments = {
        "changed_at": "holds_from",
        "next_changed_at": "next_holds_from",
    } %}
    placed as (
        select
            changes.opportunity_key,
            changes.field,
            changes.position,
            changes.old_value,
            changes.new_value,
            changes.next_changed_at is null as is_last,
            {%- for moment, holds_from in moments.items() %}
                greatest(
                    case
                        when
                            changes.field in ('amount', 'currency')
                            and changes.{{ moment }} > entered_late.closed_at
                            and changes.{{ moment }} <= entered_late.window_to
                        then entered_late.closed_at
                        else changes.{{ moment }}
                    end,
                    ends.begins_at
                ) as {{ holds_from }}{{ ',' if not loop.last }}
            {%- endfor %}
        from changes
        inner join ends on changes.opportunity_key = ends.opportunity_key
        left join entered_late on changes.opportunity_key = entered_late.opportunity_key
    ),

    final as (
        select
            opportunity_key,
            field,
            position,
            old_value,
            new_value,
            holds_from,
            case when not is_last then next_holds_from end as next_holds_from,
            is_last,
            is_last or next_holds_from > holds_from as is_last_in_instant
        from placed
    )

select *
from final
