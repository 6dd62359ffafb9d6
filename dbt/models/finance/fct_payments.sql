-- Money that customers paid, and money that was paid back to them: by payments of a negative
-- amount, and by the part of credit notes that was no longer open.
with
    payments as (select * from {{ ref("int_payments__priced") }}),

    credits as (select * from {{ ref("int_credits") }} where refunded_native > 0),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    moved as (
        select
            payment_key,
            source_system,
            source_instance,
            payment_id,
            case when amount_native < 0 then 'refund' else 'payment' end as kind,
            told_by,
            invoice_key,
            customer_key,
            occurred_at,
            occurred_on,
            abs(amount_native) as amount_native,
            currency,
            abs(amount) as amount
        from payments

        union all

        select
            {{ record_key("'refund'", "credits.source_instance", "credits.credit_note_key") }}
            as payment_key,
            credits.source_system,
            credits.source_instance,
            credits.credit_note_id as payment_id,
            'refund' as kind,
            'credit_note' as told_by,
            credits.invoice_key,
            credits.customer_key,
            credits.occurred_at,
            credits.occurred_on,
            credits.refunded_native as amount_native,
            credits.currency,
            {{ reporting_amount("credits.refunded_native", fx_rate("credits.currency", "rates")) }}
            as amount
        from credits
        left join
            rates on credits.currency = rates.currency and credits.occurred_on = rates.date_day
    ),

    final as (
        select
            payment_key,
            source_system,
            source_instance,
            payment_id,
            kind,
            told_by,
            invoice_key,
            customer_key,
            occurred_at,
            occurred_on,
            cast(amount_native as {{ numeric_type() }}) as amount_native,
            currency,
            cast(amount as {{ numeric_type() }}) as amount,
            case
                when occurred_at is null then 'no_paid_at' when amount is null then 'no_rate'
            end as exclusion_reason
        from moved
    )

select *
from final
