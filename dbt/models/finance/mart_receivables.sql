{%- set buckets = {
    "days_0_30": "days_past_due <= 30",
    "days_31_60": "days_past_due between 31 and 60",
    "days_61_90": "days_past_due between 61 and 90",
    "days_over_90": "days_past_due > 90",
} -%}
-- What each customer owes at the end of each month, and now, and how long it has been due. What
-- was invoiced, paid and credited adds up from what changed in each month; what is open is the
-- state of each invoice then.
with
    months as (select * from {{ ref("int_finance_months") }}),

    states as (
        select
            *,
            case when exclusion_reason = 'no_rate' then 1 else 0 end as n_without_rate,
            case when exclusion_reason = 'no_history' then 1 else 0 end as n_without_history
        from {{ ref("int_receivables") }}
    ),

    {%- set sums = ["invoiced", "paid", "credited", "n_without_rate", "n_without_history"] %}
    changes as (
        select
            customer_key,
            {{ month_start(local_day("valid_from")) }} as month_start,
            {%- for name in sums %}
                coalesce({{ name }}, 0) - lag(coalesce({{ name }}, 0), 1, 0) over (
                    partition by balance_key order by valid_from
                ) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from states
    ),

    -- What was paid before the first month was paid by its beginning.
    in_months as (
        select
            changes.customer_key,
            greatest(changes.month_start, bounds.first_month) as month_start,
            {%- for name in sums %}
                sum(changes.{{ name }}) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from changes
        cross join (select min(month_start) as first_month from months) as bounds
        group by changes.customer_key, greatest(changes.month_start, bounds.first_month)
    ),

    customers as (
        select customer_key, min(month_start) as first_month from in_months group by customer_key
    ),

    so_far as (
        select
            customers.customer_key,
            months.month_start,
            months.ends_on,
            months.is_current,
            {%- for name in sums %}
                sum(coalesce(in_months.{{ name }}, 0)) over (
                    partition by customers.customer_key order by months.month_start
                ) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from customers
        inner join months on customers.first_month <= months.month_start
        left join
            in_months
            on customers.customer_key = in_months.customer_key
            and months.month_start = in_months.month_start
    ),

    open_then as (
        select
            states.customer_key,
            months.month_start,
            states.receivable,
            {{ dbt.datediff("states.due_on", "months.ends_on", "day") }} as days_past_due,
            states.due_on is not null and states.receivable > 0 as is_owed
        from states
        inner join
            months
            on states.valid_from <= months.last_moment
            and states.valid_to > months.last_moment
        where states.receivable <> 0
    ),

    aged as (
        select
            customer_key,
            month_start,
            sum(case when is_owed and days_past_due <= 0 then receivable else 0 end) as not_due,
            sum(case when is_owed and days_past_due > 0 then receivable else 0 end) as overdue,
            {%- for bucket, condition in buckets.items() %}
                sum(
                    case when is_owed and {{ condition }} then receivable else 0 end
                ) as {{ bucket }},
            {%- endfor %}
            sum(case when not is_owed then receivable else 0 end) as on_account
        from open_then
        group by customer_key, month_start
    ),

    recent as (
        select invoices.customer_key, months.month_start, sum(invoices.amount) as invoiced_90_days
        from {{ ref("int_invoices__priced") }} as invoices
        inner join
            months
            on invoices.issued_at <= months.last_moment
            and invoices.issued_at > months.last_moment - interval '90 days'
        where invoices.standing <> 'does_not_count'
        group by invoices.customer_key, months.month_start
    ),

    judged as (
        select
            so_far.*,
            recent.invoiced_90_days,
            aged.not_due,
            aged.overdue,
            {%- for bucket in buckets %} aged.{{ bucket }}, {%- endfor %}
            aged.on_account,
            case
                when so_far.n_without_rate > 0
                then 'no_rate'
                when so_far.n_without_history > 0
                then 'no_history'
            end as exclusion_reason
        from so_far
        left join
            recent
            on so_far.customer_key = recent.customer_key
            and so_far.month_start = recent.month_start
        left join
            aged
            on so_far.customer_key = aged.customer_key
            and so_far.month_start = aged.month_start
    ),

    final as (
        select
            {{
                record_key(
                    "'receivables'",
                    "customer_key",
                    "cast(month_start as " ~ dbt.type_string() ~ ")",
                )
            }} as receivable_key,
            customer_key,
            month_start,
            ends_on,
            is_current,
            {%- for name in ["invoiced", "paid", "credited"] %}
                cast(
                    case when exclusion_reason is null then {{ name }} end as {{ numeric_type() }}
                ) as {{ name }},
            {%- endfor %}
            cast(
                case
                    when exclusion_reason is null then invoiced - paid - credited
                end as {{ numeric_type() }}
            ) as receivable,
            {%- for name in ["not_due", "overdue"] + buckets | list + [
                "on_account",
                "invoiced_90_days",
            ] %}
                cast(
                    case
                        when exclusion_reason is null then coalesce({{ name }}, 0)
                    end as {{ numeric_type() }}
                ) as {{ name }},
            {%- endfor %}
            exclusion_reason
        from judged
        where
            exclusion_reason is not null
            or invoiced <> 0
            or paid <> 0
            or credited <> 0
            or invoiced_90_days <> 0
    )

select *
from final
