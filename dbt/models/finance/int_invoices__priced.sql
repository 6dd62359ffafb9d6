-- Invoices with whom they are of, which deal led to them, what their status means, and what they
-- come to at the rate of the day on which they were issued.
with
    invoices as (
        select
            *,
            coalesce(currency, '{{ var("currency") }}') as native_currency,
            {{ local_day("issued_at") }} as issued_on
        from {{ ref("int_invoices__unioned") }}
        where not is_deleted
    ),

    customers as (select * from {{ ref("int_customer_ids") }}),

    deals as (select * from {{ ref("int_surviving_deals") }}),

    known_deals as ({{ in_reach("invoices", "deals", "opportunity_key", "opportunity_id") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    priced as (
        select
            invoices.invoice_key,
            invoices.source_system,
            invoices.source_instance,
            invoices.source_id as invoice_id,
            customers.customer_key,
            invoices.customer_id,
            known_deals.opportunity_key,
            invoices.opportunity_id,
            invoices.status,
            {{ invoice_standing("invoices.status") }} as standing,
            invoices.issued_at,
            invoices.issued_on,
            {{ local_day("coalesce(invoices.due_at, invoices.issued_at)") }} as due_on,
            invoices.paid_at,
            invoices.amount_paid as amount_paid_native,
            invoices.native_currency as currency,
            cast(invoices.total as {{ numeric_type() }}) as total_native,
            cast(coalesce(invoices.tax, 0) as {{ numeric_type() }}) as tax_native,
            cast({{ fx_rate("invoices.native_currency", "rates") }} as {{ rate_type() }}) as fx_rate
        from invoices
        inner join
            customers
            on invoices.source_instance = customers.source_instance
            and invoices.customer_id = customers.customer_id
        left join
            known_deals
            on invoices.source_instance = known_deals.from_instance
            and invoices.opportunity_id = known_deals.record_id
        left join
            rates
            on invoices.native_currency = rates.currency
            and invoices.issued_on = rates.date_day
    ),

    final as (
        select
            *,
            {{ reporting_amount("total_native", "fx_rate") }} as amount,
            {{ reporting_amount("total_native - tax_native", "fx_rate") }} as net_amount
        from priced
    )

select *
from final
