-- What was paid of invoices, in Stripe and outside it, and what was charged outside invoices. What
-- was paid back of the latter is a payment of less than nothing: there is no invoice to credit.
with
    invoice_payments as ({{ stripe_records("invoice_payments") }}),

    invoices as (select * from {{ ref("int_stripe__invoices") }}),

    charges as (select * from {{ ref("int_stripe__charges") }}),

    refunds as (select * from {{ ref("int_stripe__refunds") }}),

    recorded as (
        select source_instance, invoice, sum(amount_paid) as amount
        from ({{ stripe_records("invoice_payments") }}) as records
        where status = 'paid' and payment_type = 'payment_record'
        group by source_instance, invoice
    ),

    payments as (
        select
            invoice_payments.source_instance,
            invoice_payments.source_id,
            invoice_payments.source_row,
            invoice_payments.source_updated_at,
            invoice_payments.loaded_at,
            false as is_deleted,
            invoices.customer,
            invoice_payments.invoice,
            coalesce(invoice_payments.paid_at, invoice_payments.created) as occurred_at,
            invoice_payments.amount_paid as amount,
            invoice_payments.currency
        from invoice_payments
        inner join
            invoices
            on invoice_payments.source_instance = invoices.source_instance
            and invoice_payments.invoice = invoices.source_id
        where invoice_payments.status = 'paid'

        union all

        select
            invoices.source_instance,
            invoices.source_id || '/off_stripe' as source_id,
            invoices.source_row,
            invoices.source_updated_at,
            invoices.loaded_at,
            invoices.is_deleted,
            invoices.customer,
            invoices.source_id as invoice,
            coalesce(
                invoices.paid_at, invoices.source_updated_at, invoices.issued_at
            ) as occurred_at,
            invoices.amount_paid_off_stripe - coalesce(recorded.amount, 0) as amount,
            invoices.currency
        from invoices
        left join
            recorded
            on invoices.source_instance = recorded.source_instance
            and invoices.source_id = recorded.invoice
        where invoices.amount_paid_off_stripe > coalesce(recorded.amount, 0)

        union all

        select
            source_instance,
            source_id,
            source_row,
            source_updated_at,
            loaded_at,
            false as is_deleted,
            customer,
            cast(null as {{ dbt.type_string() }}) as invoice,
            created as occurred_at,
            amount,
            currency
        from charges
        where is_paid and invoice is null and customer is not null

        union all

        select
            source_instance,
            source_id,
            source_row,
            source_updated_at,
            loaded_at,
            is_deleted,
            customer,
            cast(null as {{ dbt.type_string() }}) as invoice,
            created as occurred_at,
            - amount as amount,
            currency
        from refunds
        where invoice is null and customer is not null
    ),

    final as (
        select
            {{
                staged_record_columns(
                    "stripe", "payments", "payments", is_deleted="payments.is_deleted"
                )
            }},
            {{ no_extra_of("payments") }}
            payments.customer as customer_id,
            payments.invoice as invoice_id,
            payments.occurred_at,
            payments.amount,
            {{ currency_code("payments.currency") }} as currency
        from payments
    )

select *
from final
