-- One rate per currency and day into the company's currency: the latest on or before the day, as
-- no rates are set on weekends, unless it is too old to count. Where a source gives only the
-- opposite direction, its inverse.
with
    rates as (select * from {{ ref("int_fx_rates__unioned") }} where not is_deleted and rate > 0),

    days as (select date_day from {{ ref("dim_date") }}),

    quoted as (
        select
            from_currency as currency,
            day,
            cast(rate as {{ rate_type() }}) as rate,
            1 as preference,
            source_instance
        from rates
        where to_currency = '{{ var("currency") }}' and from_currency <> '{{ var("currency") }}'

        union all

        select
            to_currency as currency,
            day,
            {{ inverse_rate("rate") }} as rate,
            2 as preference,
            source_instance
        from rates
        where from_currency = '{{ var("currency") }}' and to_currency <> '{{ var("currency") }}'
    ),

    preferred as (
        select
            currency,
            day,
            rate,
            preference,
            row_number() over (
                partition by currency, day order by preference, source_instance
            ) as choice,
            min(preference) over (partition by currency) as best_preference
        from quoted
    ),

    in_force as (
        select
            currency,
            day as valid_from,
            rate,
            lead(day) over (partition by currency order by day) as next_day
        from preferred
        where choice = 1 and preference = best_preference
    ),

    held as (
        select
            currency,
            {{
                each(
                    "day",
                    "valid_from",
                    "least("
                    ~ dbt.dateadd("day", -1, "next_day")
                    ~ ", "
                    ~ dbt.dateadd("day", var("fx_rate_max_age_days"), "valid_from")
                    ~ ")",
                )
            }} as date_day,
            rate,
            valid_from as rate_day
        from in_force
    ),

    final as (
        select held.currency, held.date_day, held.rate, held.rate_day
        from held
        inner join days on held.date_day = days.date_day
    )

select *
from final
