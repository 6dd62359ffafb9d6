-- Credit notes with whose they are, the invoice that they name, and what they come to at the rate
-- of their day. However a source writes the sign, a credit note takes off.
with
    given as (select * from {{ ref("int_credit_notes__unioned") }} where not is_deleted),

    customers as (select * from {{ ref("int_customer_ids") }}),

    invoices as (select * from {{ ref("int_invoices__priced") }}),

    known_invoices as ({{ in_reach("given", "invoices", "invoice_key", "invoice_id") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    notes as (
        select
            given.credit_note_key,
            given.source_system,
            given.source_instance,
            given.source_id as credit_note_id,
            given.invoice_id,
            known_invoices.invoice_key,
            customers.customer_key,
            given.occurred_at,
            {{ local_day("given.occurred_at") }} as occurred_on,
            coalesce(given.currency, '{{ var("currency") }}') as currency,
            cast(abs(given.amount) as {{ numeric_type() }}) as amount_native
        from given
        inner join
            customers
            on given.source_instance = customers.source_instance
            and given.customer_id = customers.customer_id
        left join
            known_invoices
            on given.source_instance = known_invoices.from_instance
            and given.invoice_id = known_invoices.record_id
    )

select
    notes.*,
    {{ reporting_amount("notes.amount_native", fx_rate("notes.currency", "rates")) }} as amount
from notes
left join rates on notes.currency = rates.currency and notes.occurred_on = rates.date_day
