{{ increment("clocked", of=["int_opportunity_ends"]) }}
-- One row per deal that its record says is closed: its last closing, and the window in which it
-- must lie.
--
-- The window goes from the last told move into an open stage to the closing move; where none is
-- known, to the first version of the record that shows the outcome. The record's date dates the
-- closing if it lies in the window; of a bare day (a date, or a moment at midnight) any moment of
-- it will do. Else the known move dates it, else the nearer end of the window. A deal of which
-- neither record nor history tells a date, nor an earlier version that it was not yet closed, has
-- none.
with
    ends as (select * from {{ ref("int_opportunity_ends") }} where status <> 'open'),

    recorded as (
        select
            *,
            coalesce(last_status = status, false) as is_known,
            case
                when closed_at is null
                then close_date
                when {{ is_bare_day("closed_at") }}
                then {{ local_day("closed_at") }}
            end as recorded_day
        from ends
    ),

    windowed as (
        select
            opportunity_key,
            status,
            closing_position,
            is_known,
            is_known and is_closing_told as is_told,
            -- Whether anything shows that the deal was not always closed like this.
            is_known
            and closing_position > 0
            or was_otherwise
            or coalesce(last_status <> status, false) as was_otherwise,
            last_opened_at as window_from,
            greatest(
                case
                    when is_known and is_closing_told
                    then last_closing_at
                    when is_known
                    then least(last_closing_at, status_shown_at)
                    else status_shown_at
                end,
                last_opened_at
            ) as window_to,
            recorded_day is not null as is_day,
            case
                when recorded_day is null then closed_at else {{ day_start("recorded_day") }}
            end as recorded_from,
            case
                when recorded_day is null then closed_at else {{ day_end("recorded_day") }}
            end as recorded_to
        from recorded
    ),

    fitted as (
        select
            *,
            coalesce(
                recorded_from <= coalesce(window_to, recorded_from)
                and least(recorded_to, window_to)
                >= coalesce(window_from, least(recorded_to, window_to)),
                false
            ) as is_in_window
        from windowed
    ),

    dated as (
        select
            *,
            {% if var("closing") == "told" -%} is_in_window and not is_told
            {%- else -%} is_in_window
            {%- endif %} as is_dated_by_record
        from fitted
    ),

    closed as (
        select
            *,
            case
                when is_dated_by_record
                then least(recorded_to, window_to)
                when not is_told and recorded_to < window_from
                then window_from
                when was_otherwise or window_from is not null or recorded_to is not null
                then window_to
            end as closed_at,
            is_dated_by_record and not (is_told and recorded_to >= window_to) as is_at_record
        from dated
    ),

    final as (
        select
            opportunity_key,
            status,
            closing_position,
            is_known,
            is_told,
            window_from,
            window_to,
            recorded_from,
            closed_at,
            is_at_record and is_day as is_bare,
            -- A closing on a bare day is credited at the end of the day.
            case when is_at_record then recorded_to else closed_at end as credited_at,
            -- Of less than a minute nothing is said: clocks differ.
            case
                when
                    is_in_window
                    or recorded_to is null
                    or abs({{ microseconds_between("recorded_from", "closed_at") }}) < 60000000
                then null
                when recorded_from > window_to and (not is_told or recorded_from > {{ as_of() }})
                then 'closed_in_future'
                else 'closing_contradicted'
            end as contradiction
        from closed
    )

select *
from final
