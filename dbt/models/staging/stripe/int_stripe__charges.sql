{{ config(materialized="table") }}
-- Charges with the invoice that they paid, if they paid one: payments of invoices name a charge, or
-- the intent that led to it. What was authorised and not captured is no money.
with
    charges as ({{ stripe_records("charges") }}),

    of_invoices as (
        select source_instance, charge, payment_intent, invoice
        from ({{ stripe_records("invoice_payments") }}) as payments
        where status = 'paid'
    ),

    by_charge as (
        select source_instance, charge, min(invoice) as invoice
        from of_invoices
        where charge is not null
        group by source_instance, charge
    ),

    by_intent as (
        select source_instance, payment_intent, min(invoice) as invoice
        from of_invoices
        where payment_intent is not null
        group by source_instance, payment_intent
    )

select
    charges.source_instance,
    charges.source_id,
    charges.source_row,
    charges.source_updated_at,
    charges.loaded_at,
    charges.customer,
    coalesce(charges.amount_captured, charges.amount) as amount,
    charges.amount - coalesce(charges.amount_captured, charges.amount) as released,
    charges.currency,
    charges.status = 'succeeded'
    and coalesce(charges.paid, true)
    and coalesce(charges.captured, true) as is_paid,
    charges.created,
    charges.payment_intent,
    coalesce(by_charge.invoice, by_intent.invoice) as invoice
from charges
left join
    by_charge
    on charges.source_instance = by_charge.source_instance
    and charges.source_id = by_charge.charge
left join
    by_intent
    on charges.source_instance = by_intent.source_instance
    and charges.payment_intent = by_intent.payment_intent
