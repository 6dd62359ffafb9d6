-- One row per credit note that is not deleted, one column per rule: true where the credit note
-- breaks it, NULL where the rule does not apply to it.
with
    notes as (select * from {{ ref("int_credit_notes__priced") }}),

    invoices as (select * from {{ ref("fct_invoices") }}),

    given as ({{ given_columns("credit_notes", ["invoice_id"]) }}),

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
            notes.credit_note_id as source_id,
            notes.amount as amount_at_stake,
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
    ),

    final as ({{ judged_and_later("credit_note") }})

select *
from final
