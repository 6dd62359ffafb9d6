-- One row per invoice, those that do not count included and marked, with what has become of it
-- now.
with
    invoices as (select * from {{ ref("int_invoices__priced") }}),

    balances as (
        select *
        from {{ ref("int_receivables") }}
        where invoice_key is not null and valid_to = {{ end_of_time() }}
    ),

    paid as (
        select invoice_key, min(occurred_at) as first_paid_at, max(occurred_at) as last_paid_at
        from {{ ref("int_payments__priced") }}
        where amount_native > 0
        group by invoice_key
    ),

    final as (
        select
            invoices.invoice_key,
            invoices.source_system,
            invoices.source_instance,
            invoices.invoice_id,
            invoices.customer_key,
            invoices.customer_id,
            invoices.opportunity_key,
            invoices.opportunity_id,
            invoices.status,
            invoices.standing,
            invoices.issued_at,
            invoices.issued_on,
            invoices.due_on,
            coalesce(paid.first_paid_at, invoices.paid_at) as first_paid_at,
            coalesce(paid.last_paid_at, invoices.paid_at) as last_paid_at,
            invoices.total_native,
            invoices.tax_native,
            invoices.currency,
            invoices.fx_rate,
            invoices.amount,
            invoices.net_amount,
            balances.paid,
            balances.credited,
            balances.receivable,
            case
                when balances.receivable > 0
                then
                    cast(
                        greatest(
                            {{ dbt.datediff("invoices.due_on", as_of_day(), "day") }}, 0
                        ) as integer
                    )
            end as days_overdue,
            case
                when invoices.standing = 'does_not_count'
                then 'does_not_count'
                when balances.exclusion_reason is not null
                then balances.exclusion_reason
            end as exclusion_reason
        from invoices
        left join balances on invoices.invoice_key = balances.invoice_key
        left join paid on invoices.invoice_key = paid.invoice_key
    )

select *
from final
