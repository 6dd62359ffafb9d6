-- Credit notes, refunds that no credit note tells, and what invoices took from the customer's
-- balance. What a credit note was to pay back and did not, for its refund failed, it does not give;
-- what it gave to the customer's balance is told by the invoice that takes it.
with
    credit_notes as ({{ latest_versions("stripe", "credit_notes") }}),

    refunds as (select * from {{ ref("int_stripe__refunds") }}),

    invoices as (select * from {{ ref("int_stripe__invoices") }}),

    -- What was paid, if of another invoice, is no credit.
    overpaid as (
        select source_instance, taken_by, sum(amount) as amount
        from {{ ref("int_stripe__overpayments") }}
        group by source_instance, taken_by
    ),

    paid_back as (
        select
            listed.source_instance,
            listed.credit_note,
            sum(coalesce(listed.amount, refunds.amount)) as amount,
            sum(
                case
                    when not refunds.is_succeeded
                    then coalesce(listed.amount, refunds.amount)
                    else 0
                end
            ) as failed,
            max(
                case when not refunds.is_succeeded then refunds.source_updated_at end
            ) as source_updated_at
        from ({{ stripe_records("credit_note_refunds") }}) as listed
        inner join
            refunds
            on listed.source_instance = refunds.source_instance
            and listed.refund = refunds.source_id
        group by listed.source_instance, listed.credit_note
    ),

    apart as (
        select
            credit_notes.*,
            paid_back.source_updated_at as failed_at,
            coalesce(paid_back.failed, 0) + case
                when credit_notes.customer_balance_transaction is not null
                then
                    greatest(
                        coalesce(credit_notes.post_payment_amount, 0)
                        - coalesce(credit_notes.out_of_band_amount, 0)
                        - coalesce(paid_back.amount, 0),
                        0
                    )
                else 0
            end as not_given
        from credit_notes
        left join
            paid_back
            on credit_notes.source_instance = paid_back.source_instance
            and credit_notes.source_id = paid_back.credit_note
    ),

    credits as (
        select
            apart.source_instance,
            apart.source_id,
            apart.source_row,
            greatest(apart.source_updated_at, apart.failed_at) as source_updated_at,
            apart.loaded_at,
            coalesce(apart.is_deleted, false)
            or apart.status = 'void'
            or apart.not_given >= apart.amount as is_deleted,
            coalesce(apart.customer, invoices.customer) as customer,
            apart.invoice,
            apart.created as occurred_at,
            case
                when apart.not_given < apart.amount
                then apart.amount - apart.not_given
                else apart.amount
            end as amount,
            apart.currency
        from apart
        left join
            invoices
            on apart.source_instance = invoices.source_instance
            and apart.invoice = invoices.source_id

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
            invoices.source_instance,
            invoices.source_id || '/balance' as source_id,
            invoices.source_row,
            invoices.source_updated_at,
            invoices.loaded_at,
            invoices.is_deleted,
            invoices.customer,
            invoices.source_id as invoice,
            invoices.issued_at as occurred_at,
            invoices.from_balance - coalesce(overpaid.amount, 0) as amount,
            invoices.currency
        from invoices
        left join
            overpaid
            on invoices.source_instance = overpaid.source_instance
            and invoices.source_id = overpaid.taken_by
        where invoices.from_balance > coalesce(overpaid.amount, 0)
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
