-- What was paid of invoices, in Stripe and outside it, and what was charged outside invoices. What
-- was paid back of the latter is a payment of less than nothing: there is no invoice to credit.
-- What
-- was paid beyond an invoice paid the one that took it from the customer's balance.
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

    overpayments as (select * from {{ ref("int_stripe__overpayments") }}),

    in_order as (
        select
            invoice_payments.*,
            coalesce(paid_at, created) as occurred_at,
            row_number() over (
                partition by source_instance, invoice
                order by coalesce(paid_at, created) desc, source_id desc
            ) as choice,
            coalesce(
                sum(amount_paid) over (
                    partition by source_instance, invoice
                    order by coalesce(paid_at, created) desc, source_id desc
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as paid_later
        from invoice_payments
        where status = 'paid'
    ),

    moved as (
        select source_instance, invoice, sum(amount) as amount
        from overpayments
        group by source_instance, invoice
    ),

    -- What was paid last is what was paid beyond.
    of_invoices as (
        select
            in_order.*,
            least(
                in_order.amount_paid, greatest(coalesce(moved.amount, 0) - in_order.paid_later, 0)
            ) as moved
        from in_order
        left join
            moved
            on in_order.source_instance = moved.source_instance
            and in_order.invoice = moved.invoice
    ),

    payments as (
        select
            of_invoices.source_instance,
            of_invoices.source_id,
            of_invoices.source_row,
            of_invoices.source_updated_at,
            of_invoices.loaded_at,
            of_invoices.moved >= of_invoices.amount_paid and of_invoices.moved > 0 as is_deleted,
            invoices.customer,
            of_invoices.invoice,
            of_invoices.occurred_at,
            of_invoices.amount_paid - of_invoices.moved as amount,
            of_invoices.currency
        from of_invoices
        inner join
            invoices
            on of_invoices.source_instance = invoices.source_instance
            and of_invoices.invoice = invoices.source_id

        union all

        select
            in_order.source_instance,
            overpayments.invoice || '/' || overpayments.taken_by as source_id,
            in_order.source_row,
            in_order.source_updated_at,
            in_order.loaded_at,
            false as is_deleted,
            invoices.customer,
            overpayments.taken_by as invoice,
            in_order.occurred_at,
            overpayments.amount,
            in_order.currency
        from overpayments
        inner join
            in_order
            on overpayments.source_instance = in_order.source_instance
            and overpayments.invoice = in_order.invoice
            and in_order.choice = 1
        inner join
            invoices
            on overpayments.source_instance = invoices.source_instance
            and overpayments.taken_by = invoices.source_id

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
