{{
    increment(
        "clocked",
        of=["int_opportunity_changes", "int_opportunity_states"],
        materialized="view",
    )
}}
-- Moves of a deal's close date, up to the run's moment, in states in which it was open: no date set
-- in the moment of closing, none edited later. A date that is set after one was taken away is moved
-- from there; taking it away is no move.
with
    -- What a date that was taken away was, the change that took it away tells.
    dates as (
        select
            opportunity_key,
            changed_at,
            coalesce(
                old_value, lag(old_value) over (partition by opportunity_key order by position)
            ) as old_value,
            new_value
        from {{ ref("int_opportunity_changes") }}
        where field = 'close_date' and changed_at <= {{ as_of() }}
    ),

    moves as (
        select
            opportunity_key,
            changed_at,
            {{ date_from_text("old_value") }} as old_date,
            {{ date_from_text("new_value") }} as new_date
        from dates
        where new_value is not null
    ),

    states as (
        select opportunity_key, valid_from, valid_to
        from {{ ref("int_opportunity_states") }}
        where status = 'open'
    )

select moves.*
from moves
inner join
    states
    on moves.opportunity_key = states.opportunity_key
    and moves.changed_at >= {{ unknown_as_first("states.valid_from") }}
    and (states.valid_to is null or moves.changed_at < states.valid_to)
