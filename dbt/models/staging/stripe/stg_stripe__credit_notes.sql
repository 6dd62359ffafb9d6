-- Credit notes, refunds that no credit note tells, and what invoices took from the customer's
-- balance. What a credit note was to pay back and did not, for its refund failed, it does not give.
with
    credit_notes as ({{ latest_versions("stripe", "credit_notes") }}),

    refunds as (select * from {{ ref("int_stripe__refunds") }}),

    invoices as (select * from {{ ref("int_stripe__invoices") }}),

    failed as (
        select
            listed.source_instance,
            listed.credit_note,
            sum(coalesce(listed.amount, refunds.amount)) as amount,
            max(refunds.source_updated_at) as source_updated_at
        from ({{ stripe_records("credit_note_refunds") }}) as listed
        inner join
            refunds
            on listed.source_instance = refunds.source_instance
            and listed.refund = refunds.source_id
        where not refunds.is_succeeded
        group by listed.source_instance, listed.credit_note
    ),

    credits as (
        select
            credit_notes.source_instance,
            credit_notes.source_id,
            credit_notes.source_row,
            greatest(credit_notes.source_updated_at, failed.source_updated_at) as source_updated_at,
            credit_notes.loaded_at,
            coalesce(credit_notes.is_deleted, false)
            or credit_notes.status = 'void'
            or coalesce(failed.amount, 0) >= credit_notes.amount as is_deleted,
            coalesce(credit_notes.customer, invoices.customer) as customer,
            credit_notes.invoice,
            credit_notes.created as occurred_at,
            case
                when failed.amount < credit_notes.amount
                then credit_notes.amount - failed.amount
                else credit_notes.amount
            end as amount,
            credit_notes.currency
        from credit_notes
        left join
            failed
            on credit_notes.source_instance = failed.source_instance
            and credit_notes.source_id = failed.credit_note
        left join
            invoices
            on credit_notes.source_instance = invoices.source_instance
            and credit_notes.invoice = invoices.source_id

        union all

        select
            source_instance,
            source_id,
            source_row,
            source_updated_at,
            loaded_at,
            is_deleted,
            customer,
            invoice,
            created as occurred_at,
            amount,
            currency
        from refunds
        where invoice is not null

        union all

        select
            source_instance,
            source_id || '/balance' as source_id,
            source_row,
            source_updated_at,
            loaded_at,
            is_deleted,
            customer,
            source_id as invoice,
            issued_at as occurred_at,
            from_balance as amount,
            currency
        from invoices
        where from_balance > 0
    ),

    final as (
        select
            {{
                staged_record_columns(
                    "stripe", "credit_notes", "credits", is_deleted="credits.is_deleted"
                )
            }},
            {{ no_extra_of("credit_notes") }}
            credits.customer as customer_id,
            credits.invoice as invoice_id,
            credits.occurred_at,
            credits.amount,
            {{ currency_code("credits.currency") }} as currency
        from credits
    )

select *
from final
