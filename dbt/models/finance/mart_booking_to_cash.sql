-- What went otherwise than it was sold, on the way from deals won sixty days ago or earlier by
-- invoices to money: a row for each difference. Where no invoice names a deal, nobody knows of
-- deals.
with
    deals as (select * from {{ ref("fct_opportunities") }} where is_won and closed_at is not null),

    billed as (select * from {{ ref("int_bookings_billed") }}),

    invoices as (select * from {{ ref("fct_invoices") }} where standing <> 'does_not_count'),

    refunds as (
        select invoice_key, max(occurred_on) as happened_on, {{ whole_sum("amount") }} as amount
        from {{ ref("fct_payments") }}
        where kind = 'refund'
        group by invoice_key
    ),

    late_payments as (
        select
            invoices.invoice_key,
            max(payments.occurred_on) as happened_on,
            {{ whole_sum("payments.amount") }} as amount
        from invoices
        inner join
            {{ ref("fct_payments") }} as payments
            on invoices.invoice_key = payments.invoice_key
            and invoices.due_on < payments.occurred_on
        where payments.kind = 'payment'
        group by invoices.invoice_key
    ),

    -- An invoice may be a cent off, for each is rounded.
    of_deals as (
        select
            case
                when billed.n_invoices = 0
                then 'not_invoiced'
                when billed.billed < deals.amount
                then 'invoiced_less'
                else 'invoiced_more'
            end as difference,
            deals.opportunity_key,
            deals.amount as deal_amount,
            billed.billed,
            abs(billed.billed - deals.amount) as amount
        from deals
        inner join billed on deals.opportunity_key = billed.opportunity_key
        where
            billed.is_due
            and billed.is_linked
            and deals.amount_native <> 0
            and (
                billed.n_invoices = 0
                or abs(billed.billed - deals.amount) > 0.01 * billed.n_invoices
            )
    ),

    of_invoices as (
        select 'paid_late' as difference, invoice_key, happened_on, amount
        from late_payments

        union all

        select 'refunded' as difference, invoice_key, happened_on, amount
        from refunds

        union all

        select
            'overdue' as difference,
            invoice_key,
            cast(null as date) as happened_on,
            receivable as amount
        from invoices
        where days_overdue > 0

        union all

        select
            'overpaid' as difference,
            invoice_key,
            cast(null as date) as happened_on,
            - receivable as amount
        from invoices
        where receivable < 0
    ),

    united as (
        select
            of_deals.difference,
            of_deals.opportunity_key,
            cast(null as {{ dbt.type_string() }}) as invoice_key,
            cast(null as {{ dbt.type_string() }}) as invoice_id,
            cast(null as {{ dbt.type_string() }}) as customer_key,
            cast(null as date) as due_on,
            cast(null as date) as happened_on,
            of_deals.billed,
            of_deals.amount
        from of_deals

        union all

        select
            of_invoices.difference,
            invoices.opportunity_key,
            invoices.invoice_key,
            invoices.invoice_id,
            invoices.customer_key,
            invoices.due_on,
            of_invoices.happened_on,
            invoices.amount as billed,
            of_invoices.amount
        from of_invoices
        inner join invoices on of_invoices.invoice_key = invoices.invoice_key
    ),

    final as (
        select
            {{
                record_key(
                    "united.difference",
                    "coalesce(united.opportunity_key, '')",
                    "coalesce(united.invoice_key, '')",
                )
            }} as difference_key,
            united.difference,
            united.opportunity_key,
            deals.opportunity_id,
            deals.opportunity_name,
            deals.rep_id,
            deals.closed_on,
            deals.amount as deal_amount,
            united.invoice_key,
            united.invoice_id,
            united.customer_key,
            united.due_on,
            united.happened_on,
            cast(
                case
                    when united.difference in ('paid_late', 'overdue')
                    then
                        {{
                            dbt.datediff(
                                "united.due_on",
                                "coalesce(united.happened_on, " ~ as_of_day() ~ ")",
                                "day",
                            )
                        }}
                    when united.difference = 'not_invoiced'
                    then {{ dbt.datediff("deals.closed_on", as_of_day(), "day") }}
                end as integer
            ) as days,
            cast(united.billed as {{ numeric_type() }}) as billed,
            cast(united.amount as {{ numeric_type() }}) as amount
        from united
        left join deals on united.opportunity_key = deals.opportunity_key
    )

select *
from final
