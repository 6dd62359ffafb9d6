-- Credit notes: what of each is taken off what was still open of its invoice, and what is money
-- paid back. One without a known invoice is a credit on account; one of an invoice that does not
-- count is worth nothing.
with recursive
    invoices as (select * from {{ ref("int_invoices__priced") }}),

    customers as (select * from {{ ref("int_customer_ids") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    payments as (select * from {{ ref("int_payments__priced") }}),

    given as (select * from {{ ref("int_credit_notes__unioned") }} where not is_deleted),

    known_invoices as ({{ in_reach("given", "invoices", "invoice_key", "invoice_id") }}),

    notes as (
        select
            notes.credit_note_key,
            notes.source_system,
            notes.source_instance,
            notes.source_id as credit_note_id,
            invoices.invoice_key,
            customers.customer_key,
            notes.occurred_at,
            {{ local_day("notes.occurred_at") }} as occurred_on,
            coalesce(notes.currency, '{{ var("currency") }}') as currency,
            cast(abs(notes.amount) as {{ numeric_type() }}) as amount_native
        from given as notes
        inner join
            customers
            on notes.source_instance = customers.source_instance
            and notes.customer_id = customers.customer_id
        left join
            known_invoices
            on notes.source_instance = known_invoices.from_instance
            and notes.invoice_id = known_invoices.record_id
        left join invoices on known_invoices.invoice_key = invoices.invoice_key
        where coalesce(invoices.standing, 'counts') <> 'does_not_count'
    ),

    priced as (
        select
            notes.*,
            {{ reporting_amount("notes.amount_native", fx_rate("notes.currency", "rates")) }}
            as amount
        from notes
        left join rates on notes.currency = rates.currency and notes.occurred_on = rates.date_day
    ),

    of_invoices as (
        select
            priced.*,
            invoices.total_native,
            {{ in_currency_of_invoice("priced", "invoices") }} as of_invoice,
            row_number() over (
                partition by priced.invoice_key
                order by priced.occurred_at, priced.source_instance, priced.credit_note_id
            ) as position
        from priced
        inner join invoices on priced.invoice_key = invoices.invoice_key
    ),

    -- What was not paid of the invoice by the moment of each.
    unpaid as (
        select
            notes.credit_note_key,
            notes.invoice_key,
            notes.position,
            cast(notes.of_invoice as {{ numeric_type() }}) as of_invoice,
            cast(
                max(notes.total_native)
                - coalesce(sum(payments.of_invoice), 0) as {{ numeric_type() }}
            ) as unpaid
        from of_invoices as notes
        left join
            payments
            on notes.invoice_key = payments.invoice_key
            and notes.occurred_at >= payments.known_at
        group by notes.credit_note_key, notes.invoice_key, notes.position, notes.of_invoice
    ),

    split as (
        select
            credit_note_key,
            invoice_key,
            position,
            of_invoice,
            cast(least(of_invoice, greatest(unpaid, 0)) as {{ numeric_type() }}) as credited,
            cast(least(of_invoice, greatest(unpaid, 0)) as {{ numeric_type() }}) as credited_so_far
        from unpaid
        where position = 1

        union all

        select
            unpaid.credit_note_key,
            unpaid.invoice_key,
            unpaid.position,
            unpaid.of_invoice,
            cast(
                least(
                    unpaid.of_invoice, greatest(unpaid.unpaid - split.credited_so_far, 0)
                ) as {{ numeric_type() }}
            ) as credited,
            cast(
                split.credited_so_far + least(
                    unpaid.of_invoice, greatest(unpaid.unpaid - split.credited_so_far, 0)
                ) as {{ numeric_type() }}
            ) as credited_so_far
        from split
        inner join
            unpaid
            on split.invoice_key = unpaid.invoice_key
            and split.position + 1 = unpaid.position
    ),

    -- What was paid back of these is told by payments.
    paid_back as (select distinct invoice_key from payments where amount_native < 0),

    final as (
        select
            priced.*,
            split.of_invoice,
            case
                when paid_back.invoice_key is null then split.of_invoice - split.credited else 0
            end as refunded_of_invoice,
            case
                when split.of_invoice > 0 and paid_back.invoice_key is null
                then
                    cast(
                        cast(priced.amount_native as {{ double_type() }})
                        * cast(split.of_invoice - split.credited as {{ double_type() }})
                        / cast(split.of_invoice as {{ double_type() }}) as {{ numeric_type() }}
                    )
                else 0
            end as refunded_native
        from priced
        left join split on priced.credit_note_key = split.credit_note_key
        left join paid_back on priced.invoice_key = paid_back.invoice_key
    )

select *
from final
