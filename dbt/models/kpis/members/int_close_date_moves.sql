-- Moves of a deal's close date, up to the run's moment, in states in which it was open: no date set
-- in the moment of closing, none edited later.
with
    moves as (
        select
            opportunity_key,
            changed_at,
            cast(old_value as date) as old_date,
            cast(new_value as date) as new_date
        from {{ ref("int_opportunity_changes") }}
        where field = 'close_date' and changed_at <= {{ as_of() }}
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
