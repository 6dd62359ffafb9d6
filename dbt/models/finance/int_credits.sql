-- Credit notes: what of each is taken off what was still open of its invoice, and what is money
-- paid back. One without a known invoice is a credit on account; one of an invoice that does not
-- count is worth nothing.
with recursive
    invoices as (select * from {{ ref("int_invoices__priced") }}),

    payments as (select * from {{ ref("int_payments__priced") }}),

    priced as (
        select notes.*
        from {{ ref("int_credit_notes__priced") }} as notes
        left join invoices on notes.invoice_key = invoices.invoice_key
        where coalesce(invoices.standing, 'counts') <> 'does_not_count'
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
