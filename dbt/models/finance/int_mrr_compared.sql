-- One row per span and customer that pays where it begins or ends: what it paid then, at the rates
-- of then and of the span's end, what it pays at the end, and its main plan, of then if it paid
-- then. An amount is NULL where a rate that it needs is missing.
with
    spans as (select * from {{ ref("int_mrr_spans") }}),

    customers as (select * from {{ ref("int_customers_at") }}),

    revalued as (
        select
            spans.span,
            spans.month_start,
            subscriptions.customer_key,
            {{
                whole_sum(
                    reporting_amount(
                        "subscriptions.mrr_native", fx_rate("subscriptions.currency", "rates")
                    )
                )
            }} as mrr
        from spans
        inner join
            {{ ref("int_subscriptions_at") }} as subscriptions
            on spans.from_at = subscriptions.moment
        left join
            {{ ref("int_fx_rates__daily") }} as rates
            on subscriptions.currency = rates.currency
            and spans.to_on = rates.date_day
        where subscriptions.exclusion_reason is null and subscriptions.mrr_native > 0
        group by spans.span, spans.month_start, subscriptions.customer_key
    ),

    {%- for end in ["from", "to"] %}
        at_{{ end }} as (
            select
                spans.span, spans.month_start, customers.customer_key, customers.mrr, customers.plan
            from spans
            inner join customers on spans.{{ end }}_at = customers.moment
        ),
    {%- endfor %}

    either as (
        select span, month_start, customer_key
        from at_from
        union
        select span, month_start, customer_key
        from at_to
    )

select
    either.span,
    either.month_start,
    either.customer_key,
    spans.from_at,
    spans.to_at,
    spans.to_on,
    {%- for side, states in [
        ("opening", "at_from"),
        ("revalued", "revalued"),
        ("closing", "at_to"),
    ] %}
        case when {{ states }}.customer_key is null then 0 else {{ states }}.mrr end as {{ side }},
    {%- endfor %}
    at_from.customer_key is not null as paid_then,
    at_to.customer_key is not null as pays_now,
    coalesce(at_from.plan, at_to.plan) as plan
from either
inner join spans on either.span = spans.span and either.month_start = spans.month_start
{%- for states in ["at_from", "revalued", "at_to"] %}
    left join
        {{ states }}
        on either.span = {{ states }}.span
        and either.month_start = {{ states }}.month_start
        and either.customer_key = {{ states }}.customer_key
{%- endfor %}
