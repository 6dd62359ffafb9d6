-- What an invoice of less than nothing gives goes to the customer's balance, and is taken off what
-- is billed next: nobody owes it.
with
    invoices as (select * from {{ ref("int_stripe__invoices") }}),

    final as (
        select
            {{ staged_record_columns("stripe", "invoices", "invoices") }},
            {{ no_extra_of("invoices") }}
            invoices.customer as customer_id,
            invoices.issued_at,
            invoices.due_date as due_at,
            invoices.paid_at,
            case
                when invoices.total < 0 and invoices.status in ('open', 'paid')
                then 'credited_to_balance'
                else invoices.status
            end as status,
            {{ currency_code("invoices.currency") }} as currency,
            invoices.total,
            invoices.tax,
            invoices.amount_paid,
            invoices.opportunity_id
        from invoices
    )

select *
from final
