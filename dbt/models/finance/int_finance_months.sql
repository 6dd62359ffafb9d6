-- The months from the first subscription or invoice to the run's moment. Each ends where the next
-- begins, in the company's time zone; the current one ends now. `last_moment` is the last that is
-- in it.
with
    beginnings as (
        select started_at as began_at
        from {{ ref("int_subscriptions__unioned") }}
        where not is_deleted

        union all

        select issued_at as began_at
        from {{ ref("int_invoices__unioned") }}
        where not is_deleted
    ),

    bounds as (
        select
            {{ month_start(local_day("min(began_at)")) }} as first_month,
            {{ current_month() }} as last_month
        from beginnings
    ),

    months as (
        select {{ each("month", "coalesce(first_month, last_month)", "last_month") }} as month_start
        from bounds
    ),

    ends as (
        select
            month_start,
            month_start = {{ current_month() }} as is_current,
            cast({{ dbt.dateadd("month", 1, "month_start") }} as date) as next_month
        from months
    )

select
    month_start,
    is_current,
    case when is_current then {{ as_of() }} else {{ day_start("next_month") }} end as ends_at,
    case
        when is_current
        then {{ as_of_day() }}
        else cast({{ dbt.dateadd("day", -1, "next_month") }} as date)
    end as ends_on,
    case
        when is_current
        then {{ as_of() }}
        else {{ day_start("next_month") }} - interval '1 microsecond'
    end as last_moment
from ends
