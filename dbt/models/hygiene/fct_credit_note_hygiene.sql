-- One row per credit note that is not deleted, one column per rule: true where the credit note
-- breaks it, NULL where the rule does not apply to it.
with
    recorded as (select * from {{ ref("int_credit_notes__unioned") }} where not is_deleted),

    invoices as (select * from {{ ref("fct_invoices") }}),

    known_invoices as ({{ in_reach("recorded", "invoices", "invoice_key", "invoice_id") }}),

    customers as (select * from {{ ref("int_customer_ids") }}),

    notes as (
        select
            notes.credit_note_key,
            notes.source_instance,
            notes.source_id,
            notes.invoice_id,
            known_invoices.invoice_key,
            customers.customer_key,
            coalesce(notes.currency, '{{ var("currency") }}') as currency,
            abs(notes.amount) as amount_native,
            {{ local_day("notes.occurred_at") }} as occurred_on
        from recorded as notes
        inner join
            customers
            on notes.source_instance = customers.source_instance
            and notes.customer_id = customers.customer_id
        left join
            known_invoices
            on notes.source_instance = known_invoices.from_instance
            and notes.invoice_id = known_invoices.record_id
    ),

    given as ({{ given_columns("credit_notes", ["invoice_id"]) }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    by_invoice as (
        select
            invoice_key,
            sum(amount_native) as amount_native,
            min(currency) as currency,
            max(currency) as last_currency
        from notes
        group by invoice_key
    ),

    judged as (
        select
            notes.credit_note_key,
            notes.source_instance,
            notes.source_id,
            {{ reporting_amount("notes.amount_native", fx_rate("notes.currency", "rates")) }}
            as amount_at_stake,
            case when given.invoice_id then notes.invoice_id is null end as invoice_missing,
            {{ settlement_findings("notes", "invoices") }},
            case
                when
                    by_invoice.currency = invoices.currency
                    and by_invoice.last_currency = invoices.currency
                then by_invoice.amount_native > invoices.total_native
            end as more_than_invoiced
        from notes
        left join invoices on notes.invoice_key = invoices.invoice_key
        left join by_invoice on invoices.invoice_key = by_invoice.invoice_key
        left join given on notes.source_instance = given.source_instance
        left join rates on notes.currency = rates.currency and notes.occurred_on = rates.date_day
    ),

    final as ({{ judged_and_later("credit_note") }})

select *
from final
