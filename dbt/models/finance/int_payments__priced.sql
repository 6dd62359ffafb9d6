-- What customers have paid: by the payments of a source or, where it gives invoices and no
-- payments at all, by what its invoices say. Some of these do not say when: they are known to be
-- paid now. `of_invoice` is the amount in the invoice's currency.
with
    invoices as (select * from {{ ref("int_invoices__priced") }}),

    customers as (select * from {{ ref("int_customer_ids") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    -- As of an earlier moment, an invoice that was paid later is not one that does not say when.
    paid_later as (
        select invoice_key
        from ({{ staged_records("invoices") }}) as invoices
        where paid_at > {{ as_of() }}
    ),

    payments_given as (select * from {{ ref("int_payments__unioned") }} where not is_deleted),

    known_invoices as ({{ in_reach("payments_given", "invoices", "invoice_key", "invoice_id") }}),

    -- Those whose invoices any payment names, be it of another source, too.
    sources_with_payments as (
        select source_instance
        from ({{ staged_records("payments") }}) as payments

        union

        select invoices.source_instance
        from payments_given
        inner join
            known_invoices
            on payments_given.source_instance = known_invoices.from_instance
            and payments_given.invoice_id = known_invoices.record_id
        inner join invoices on known_invoices.invoice_key = invoices.invoice_key
    ),

    of_payments as (
        select
            payments.payment_key,
            payments.source_system,
            payments.source_instance,
            payments.source_id as payment_id,
            'payment' as told_by,
            known_invoices.invoice_key,
            customers.customer_key,
            payments.occurred_at,
            coalesce(payments.currency, '{{ var("currency") }}') as currency,
            payments.amount as amount_native
        from payments_given as payments
        inner join
            customers
            on payments.source_instance = customers.source_instance
            and payments.customer_id = customers.customer_id
        left join
            known_invoices
            on payments.source_instance = known_invoices.from_instance
            and payments.invoice_id = known_invoices.record_id
    ),

    of_invoices as (
        select
            {{ record_key("'paid'", "source_instance", "invoice_key") }} as payment_key,
            source_system,
            source_instance,
            invoice_id as payment_id,
            'invoice' as told_by,
            invoice_key,
            customer_key,
            paid_at as occurred_at,
            currency,
            coalesce(
                amount_paid_native,
                case
                    when {{ as_word("status") }} = 'paid' or paid_at is not null then total_native
                end,
                0
            ) as amount_native
        from invoices
        where
            source_instance not in (select source_instance from sources_with_payments)
            and invoice_key not in (select invoice_key from paid_later)
    ),

    payments as (
        select *
        from of_payments

        union all

        select *
        from of_invoices
        where amount_native <> 0
    ),

    priced as (
        select
            payments.*,
            {{ local_day("payments.occurred_at") }} as occurred_on,
            {{
                reporting_amount(
                    "payments.amount_native",
                    "case when payments.occurred_at is null then invoices.fx_rate else "
                    ~ fx_rate("payments.currency", "rates")
                    ~ " end",
                )
            }} as amount
        from payments
        left join invoices on payments.invoice_key = invoices.invoice_key
        left join
            rates
            on payments.currency = rates.currency
            and {{ local_day("payments.occurred_at") }} = rates.date_day
    ),

    final as (
        select
            priced.*,
            coalesce(priced.occurred_at, {{ as_of() }}) as known_at,
            coalesce(invoices.standing <> 'does_not_count', false) as is_of_invoice,
            {{ in_currency_of_invoice("priced", "invoices") }} as of_invoice
        from priced
        left join invoices on priced.invoice_key = invoices.invoice_key
    )

select *
from final
