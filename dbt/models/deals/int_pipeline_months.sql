-- The months from the first deal to the run's moment. Each ends where the next begins, in the
-- company's time zone; the current one ends now.
with
    bounds as (
        select
            {{ month_start(local_day("min(valid_from)")) }} as first_month,
            {{ current_month() }} as last_month
        from {{ ref("int_opportunity_states") }}
    ),

    months as (
        select {{ each("month", "coalesce(first_month, last_month)", "last_month") }} as month_start
        from bounds
    ),

    final as (
        select
            month_start,
            month_start = {{ current_month() }} as is_current,
            case
                when month_start = {{ current_month() }}
                then {{ as_of() }}
                else {{ day_start(dbt.dateadd("month", 1, "month_start")) }}
            end as ends_at,
            case
                when month_start = {{ current_month() }}
                then {{ as_of_day() }}
                else
                    cast(
                        {{ dbt.dateadd("day", -1, dbt.dateadd("month", 1, "month_start")) }} as date
                    )
            end as ends_on
        from months
    )

select *
from final
