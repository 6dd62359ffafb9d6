{#- A subscription is invoiced within so many days of its beginning, and once in so many. -#}
{%- set first_invoice_days, invoice_days = 62, 397 -%}
-- One row per subscription that is not deleted, one column per rule: true where the subscription
-- breaks it, NULL where the rule does not apply to it.
with
    subscriptions as (
        select
            *,
            exclusion_reason is null and mrr_native > 0 as pays,
            {{ local_day("started_at") }} as started_on
        from {{ ref("int_subscriptions__counted") }}
    ),

    given as ({{ given_columns("subscriptions", ["plan"]) }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }} where date_day = {{ as_of_day() }}),

    -- One plan twice at one price is one subscription that is given twice; another price or plan is
    -- another contract.
    twice as (
        select distinct one.subscription_key
        from subscriptions as one
        inner join
            subscriptions as other
            on one.customer_key = other.customer_key
            and one.plan = other.plan
            and one.currency = other.currency
            and one.mrr_native = other.mrr_native
        where
            one.pays
            and other.pays
            and one.subscription_key <> other.subscription_key
            and one.started_at < coalesce(other.ended_at, {{ end_of_time() }})
            and other.started_at < coalesce(one.ended_at, {{ end_of_time() }})
    ),

    invoiced as (
        select customer_key, max(issued_on) as last_issued_on
        from {{ ref("fct_invoices") }}
        where standing <> 'does_not_count'
        group by customer_key
    ),

    invoices as (select count(*) > 0 as are_given from {{ ref("fct_invoices") }}),

    judged as (
        select
            subscriptions.subscription_key,
            subscriptions.source_instance,
            subscriptions.subscription_id as source_id,
            {{
                reporting_amount(
                    "subscriptions.mrr_native",
                    fx_rate("subscriptions.currency", "rates"),
                )
            }} as amount_at_stake,
            coalesce(subscriptions.exclusion_reason = 'unknown_status', false) as status_unknown,
            coalesce(subscriptions.exclusion_reason = 'no_ended_at', false) as ended_at_missing,
            subscriptions.mrr_native < 0 as mrr_negative,
            case when given.plan then subscriptions.plan = '(none)' end as plan_missing,
            case when subscriptions.pays then twice.subscription_key is not null end as given_twice,
            case
                when
                    invoices.are_given
                    and subscriptions.pays
                    and coalesce(subscriptions.ended_at, {{ end_of_time() }}) > {{ as_of() }}
                    and {{ dbt.datediff("subscriptions.started_on", as_of_day(), "day") }}
                    > {{ first_invoice_days }}
                then
                    coalesce(
                        {{ dbt.datediff("invoiced.last_issued_on", as_of_day(), "day") }}
                        > {{ invoice_days }},
                        true
                    )
            end as not_invoiced
        from subscriptions
        cross join invoices
        left join given on subscriptions.source_instance = given.source_instance
        left join rates on subscriptions.currency = rates.currency
        left join twice on subscriptions.subscription_key = twice.subscription_key
        left join invoiced on subscriptions.customer_key = invoiced.customer_key
    ),

    final as ({{ judged_and_later("subscription") }})

select *
from final
