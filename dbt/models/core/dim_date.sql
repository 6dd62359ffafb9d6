-- Calendar and fiscal days, from the year before the first record to two years after the run's
-- moment or the last quota.
with
    moments as (
        select min(begins_at) as first_moment
        from
            (
                {%- for entity, begins_at in [
                    ("opportunities", "created_at"),
                    ("opportunities", "close_date"),
                    ("field_changes", "changed_at"),
                    ("leads", "created_at"),
                    ("activities", "occurred_at"),
                    ("spend_daily", "day"),
                    ("costs", "month"),
                    ("subscriptions", "started_at"),
                    ("invoices", "issued_at"),
                    ("payments", "occurred_at"),
                    ("credit_notes", "occurred_at"),
                    ("quotas", "period_start"),
                ] %}
                    select min({{ begins_at }}) as begins_at
                    from {{ ref("int_" ~ entity ~ "__unioned") }}
                    union all
                {%- endfor %}
                select {{ as_of() }} as begins_at
            ) as begins
    ),

    last_quota as (select max(period_start) as last_start from {{ ref("int_quotas__unioned") }}),

    bounds as (
        select
            {{ dbt.dateadd("year", -1, dbt.date_trunc("year", "first_moment")) }} as first_day,
            {{
                dbt.dateadd(
                    "day",
                    -1,
                    dbt.dateadd(
                        "year",
                        3,
                        dbt.date_trunc(
                            "year", "greatest(" ~ as_of() ~ ", cast(last_start as timestamp))"
                        ),
                    ),
                )
            }} as last_day
        from moments
        cross join last_quota
    ),

    days as (select {{ each("day", "first_day", "last_day") }} as date_day from bounds),

    months as (select date_day, {{ month_start("date_day") }} as month_start from days),

    holidays as ({{ days_off() }}),

    worked as (
        select
            months.date_day,
            months.month_start,
            holidays.date_day is not null as is_holiday,
            holidays.holiday_name,
            holidays.date_day is null
            and extract(isodow from months.date_day)
            in ({{ var("working_days") | join(", ") }}) as is_working_day
        from months
        left join holidays on months.date_day = holidays.date_day
    ),

    counted as (
        select
            *,
            coalesce(
                sum(case when is_working_day then 1 else 0 end) over (
                    order by date_day rows between unbounded preceding and 1 preceding
                ),
                0
            ) as working_days_before
        from worked
    ),

    final as (
        select
            date_day,
            month_start,
            cast({{ dbt.date_trunc("quarter", "date_day") }} as date) as quarter_start,
            cast({{ dbt.date_trunc("year", "date_day") }} as date) as year_start,
            {{ fiscal_period_start("month_start", "quarter") }} as fiscal_quarter_start,
            {{ fiscal_period_start("month_start", "year") }} as fiscal_year_start,
            {{ fiscal_year("month_start") }} as fiscal_year,
            cast(
                extract(
                    quarter
                    from
                        {{
                            dbt.dateadd(
                                "month", (13 - var("fiscal_year_start_month")) % 12, "month_start"
                            )
                        }}
                ) as integer
            ) as fiscal_quarter,
            cast(extract(isodow from date_day) as integer) as iso_weekday,
            extract(isodow from date_day) <= 5 as is_weekday,
            is_holiday,
            holiday_name,
            is_working_day,
            cast(
                working_days_before
                * {{ var("closes") - var("opens") }}
                / 60.0 as {{ double_type() }}
            ) as working_hours_before
        from counted
    )

select *
from final
