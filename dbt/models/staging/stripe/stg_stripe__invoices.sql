-- What an invoice of less than nothing gives goes to the customer's balance, and is taken off what
-- is billed next: nobody owes it. What was paid beyond another invoice, and kept, paid this one.
with
    invoices as (select * from {{ ref("int_stripe__invoices") }}),

    overpaid as (
        select source_instance, taken_by, sum(amount) as amount
        from {{ ref("int_stripe__overpayments") }}
        group by source_instance, taken_by
    ),

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
            invoices.amount_paid + coalesce(overpaid.amount, 0) as amount_paid,
            invoices.opportunity_id
        from invoices
        left join
            overpaid
            on invoices.source_instance = overpaid.source_instance
            and invoices.source_id = overpaid.taken_by
    )

select *
from final
