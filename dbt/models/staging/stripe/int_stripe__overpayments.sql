{{ config(materialized="table") }}
-- What was paid beyond an invoice, and which later one took it from the customer's balance: what
-- was
-- there first is taken first, and of a balance what was overpaid before all else.
with
    invoices as (
        select * from {{ ref("int_stripe__invoices") }} where not is_deleted and status <> 'void'
    ),

    paid as (
        select source_instance, invoice, sum(amount_paid) as amount
        from ({{ stripe_records("invoice_payments") }}) as payments
        where status = 'paid'
        group by source_instance, invoice
    ),

    -- As much as payments tell: what they do not have is not counted twice.
    overpaid_ones as (
        select
            invoices.source_instance,
            invoices.customer,
            invoices.currency,
            invoices.source_id as invoice,
            coalesce(invoices.paid_at, invoices.issued_at) as happened_at,
            least(
                invoices.overpaid, paid.amount - (invoices.total - invoices.from_balance)
            ) as given
        from invoices
        inner join
            paid
            on invoices.source_instance = paid.source_instance
            and invoices.source_id = paid.invoice
    ),

    entries as (
        select
            source_instance,
            customer,
            currency,
            invoice,
            happened_at,
            0 as step,
            given,
            0 as asked_for
        from overpaid_ones
        where given > 0

        union all

        select
            source_instance,
            customer,
            currency,
            source_id as invoice,
            issued_at as happened_at,
            1 as step,
            0 as given,
            from_balance as asked_for
        from invoices
        where from_balance > 0
    ),

    sums as (
        select
            *,
            sum(given - asked_for) over (
                partition by source_instance, customer, currency
                order by happened_at, step, invoice
                rows between unbounded preceding and current row
            ) as net
        from entries
    ),

    lows as (
        select
            *,
            least(
                min(net) over (
                    partition by source_instance, customer, currency
                    order by happened_at, step, invoice
                    rows between unbounded preceding and current row
                ),
                0
            ) as low
        from sums
    ),

    taken as (
        select
            *,
            case
                when step = 1
                then
                    coalesce(
                        lag(net - low) over (
                            partition by source_instance, customer, currency
                            order by happened_at, step, invoice
                        ),
                        0
                    )
                    - (net - low)
                else 0
            end as taken
        from lows
    ),

    spans as (
        select
            *,
            sum(given) over (
                partition by source_instance, customer, currency
                order by happened_at, step, invoice
                rows between unbounded preceding and current row
            ) as given_to,
            sum(taken) over (
                partition by source_instance, customer, currency
                order by happened_at, step, invoice
                rows between unbounded preceding and current row
            ) as taken_to
        from taken
    ),

    overpaid as (select * from spans where step = 0),

    taking as (select * from spans where step = 1 and taken > 0)

select
    overpaid.source_instance,
    overpaid.invoice,
    taking.invoice as taken_by,
    least(overpaid.given_to, taking.taken_to)
    - greatest(overpaid.given_to - overpaid.given, taking.taken_to - taking.taken) as amount
from overpaid
inner join
    taking
    on overpaid.source_instance = taking.source_instance
    and overpaid.customer = taking.customer
    and overpaid.currency = taking.currency
    and taking.taken_to > overpaid.given_to - overpaid.given
    and taking.taken_to - taking.taken < overpaid.given_to
