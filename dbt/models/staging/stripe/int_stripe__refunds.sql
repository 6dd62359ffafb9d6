{{ config(materialized="table") }}
-- Refunds with whom they went to, the invoice whose payment they give back, and what of each no
-- credit note tells. One that failed, or has not succeeded yet, is none; nor is one that a credit
-- note tells whole, or one that gives up what was authorised and never captured.
with
    -- What is lost in a dispute is given back from the moment on at which it was taken.
    refunds as (
        select
            source_instance,
            source_id,
            source_row,
            source_updated_at,
            loaded_at,
            charge,
            payment_intent,
            amount,
            currency,
            status,
            created,
            balance_transaction
        from ({{ stripe_records("refunds") }}) as given_back

        union all

        select
            source_instance,
            source_id,
            source_row,
            source_updated_at,
            loaded_at,
            charge,
            payment_intent,
            amount,
            currency,
            case when status = 'lost' then 'succeeded' else status end as status,
            coalesce(withdrawn_at, created) as created,
            coalesce(balance_transaction, source_id) as balance_transaction
        from ({{ stripe_records("disputes") }}) as disputes
    ),

    charges as (
        select
            *,
            row_number() over (
                partition by source_instance, payment_intent
                order by case when is_paid then 0 else 1 end, created, source_id
            ) as choice
        from {{ ref("int_stripe__charges") }}
    ),

    by_intent as (select * from charges where choice = 1 and payment_intent is not null),

    credit_notes as ({{ stripe_records("credit_notes") }}),

    told as (
        select
            listed.source_instance, listed.refund, sum(listed.amount) as amount, count(*) as notes
        from ({{ stripe_records("credit_note_refunds") }}) as listed
        inner join
            credit_notes
            on listed.source_instance = credit_notes.source_instance
            and listed.credit_note = credit_notes.source_id
        where credit_notes.status <> 'void'
        group by listed.source_instance, listed.refund
    ),

    described as (
        select
            refunds.source_instance,
            refunds.source_id,
            refunds.source_row,
            refunds.source_updated_at,
            refunds.loaded_at,
            coalesce(refunds.status, 'succeeded') = 'succeeded'
            and (
                refunds.balance_transaction is not null
                or coalesce(charges.released, by_intent.released, 0) = 0
            ) as is_succeeded,
            coalesce(charges.customer, by_intent.customer) as customer,
            coalesce(charges.invoice, by_intent.invoice) as invoice,
            refunds.created,
            refunds.amount,
            case
                when told.notes is null then 0 else coalesce(told.amount, refunds.amount)
            end as told_amount,
            refunds.currency
        from refunds
        left join
            charges
            on refunds.source_instance = charges.source_instance
            and refunds.charge = charges.source_id
        left join
            by_intent
            on refunds.source_instance = by_intent.source_instance
            and refunds.payment_intent = by_intent.payment_intent
        left join
            told
            on refunds.source_instance = told.source_instance
            and refunds.source_id = told.refund
    )

select
    described.source_instance,
    described.source_id,
    described.source_row,
    described.source_updated_at,
    described.loaded_at,
    not described.is_succeeded or described.told_amount >= described.amount as is_deleted,
    described.is_succeeded,
    coalesce(invoices.customer, described.customer) as customer,
    described.invoice,
    described.created,
    case
        when described.told_amount < described.amount
        then described.amount - described.told_amount
        else described.amount
    end as amount,
    described.currency
from described
left join
    {{ ref("int_stripe__invoices") }} as invoices
    on described.source_instance = invoices.source_instance
    and described.invoice = invoices.source_id
