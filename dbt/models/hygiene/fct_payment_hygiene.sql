-- One row per payment that is not deleted, one column per rule: true where the payment breaks it,
-- NULL where the rule does not apply to it.
with
    payments as (select * from {{ ref("int_payments__unioned") }} where not is_deleted),

    priced as (select * from {{ ref("fct_payments") }}),

    given as ({{ given_columns("payments", ["invoice_id"]) }}),

    invoices as (select * from {{ ref("fct_invoices") }}),

    invoiced as (select distinct customer_key from invoices),

    judged as (
        select
            payments.payment_key,
            payments.source_instance,
            payments.source_id,
            priced.amount as amount_at_stake,
            case
                when given.invoice_id or invoiced.customer_key is not null
                then payments.invoice_id is null
            end as invoice_missing,
            {{ settlement_findings("priced", "invoices") }}
        from payments
        inner join priced on payments.payment_key = priced.payment_key
        left join invoices on priced.invoice_key = invoices.invoice_key
        left join invoiced on priced.customer_key = invoiced.customer_key
        left join given on payments.source_instance = given.source_instance
    ),

    final as ({{ judged_and_later("payment") }})

select *
from final
