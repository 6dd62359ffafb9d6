{%- set amounts = ["total", "paid_in", "paid_back", "credited"] -%}
-- What was invoiced, paid and credited, from each moment at which it changed to the next: of each
-- invoice that counts, in its currency and at the rate of its day, and of each payment and credit
-- that is of none. What is still open of an invoice that was written off is credited with it.
with
    invoices as (
        select * from {{ ref("int_invoices__priced") }} where standing <> 'does_not_count'
    ),

    payments as (select * from {{ ref("int_payments__priced") }}),

    credits as (select * from {{ ref("int_credits") }}),

    happened as (
        select
            invoice_key,
            issued_at as happened_at,
            total_native as amount,
            total_native as total,
            0 as paid_in,
            0 as paid_back,
            0 as credited
        from invoices

        union all

        select
            invoice_key,
            known_at as happened_at,
            of_invoice as amount,
            0 as total,
            greatest(of_invoice, 0) as paid_in,
            greatest(- of_invoice, 0) as paid_back,
            0 as credited
        from payments
        where is_of_invoice

        union all

        select
            invoice_key,
            occurred_at as happened_at,
            of_invoice as amount,
            0 as total,
            0 as paid_in,
            refunded_of_invoice as paid_back,
            of_invoice as credited
        from credits
        where invoice_key is not null
    ),

    by_moment as (
        select
            invoice_key,
            happened_at,
            {%- for amount in amounts %} sum({{ amount }}) as {{ amount }}, {%- endfor %}
            count(*) - count(amount) as n_unknown
        from happened
        group by invoice_key, happened_at
    ),

    sums as (
        select
            invoice_key,
            happened_at as valid_from,
            lead(happened_at) over (partition by invoice_key order by happened_at) as valid_to,
            {%- for amount in amounts + ["n_unknown"] %}
                sum({{ amount }}) over (
                    partition by invoice_key order by happened_at
                ) as {{ amount }}{{ ',' if not loop.last }}
            {%- endfor %}
        from by_moment
    ),

    -- What is paid back makes nothing owed again: it is what was paid or credited too much, or is
    -- credited itself.
    so_far as (
        select
            invoice_key,
            valid_from,
            valid_to,
            n_unknown,
            total,
            paid_in - paid_back as paid,
            total - case
                when total - paid_in - credited + paid_back > 0
                then greatest(total - paid_in - credited, 0)
                else total - paid_in - credited + paid_back
            end as settled
        from sums
    ),

    undated as (
        select distinct invoice_key from payments where is_of_invoice and occurred_at is null
    ),

    of_invoices as (
        select
            so_far.invoice_key as balance_key,
            so_far.invoice_key,
            invoices.customer_key,
            so_far.valid_from,
            so_far.valid_to,
            invoices.due_on,
            invoices.standing = 'written_off' as is_written_off,
            case
                when so_far.n_unknown > 0 or invoices.fx_rate is null
                then 'no_rate'
                when undated.invoice_key is not null and so_far.valid_to is not null
                then 'no_history'
            end as exclusion_reason,
            {{ reporting_amount("so_far.total", "invoices.fx_rate") }} as invoiced,
            {{ reporting_amount("so_far.paid", "invoices.fx_rate") }} as paid,
            {{ reporting_amount("so_far.settled", "invoices.fx_rate") }} as settled
        from so_far
        inner join invoices on so_far.invoice_key = invoices.invoice_key
        left join undated on so_far.invoice_key = undated.invoice_key
    ),

    on_account as (
        select
            {{ record_key("'payment'", "source_instance", "payment_key") }} as balance_key,
            customer_key,
            known_at as valid_from,
            case when amount is null then 'no_rate' end as exclusion_reason,
            amount as paid,
            0 as credited
        from payments
        where not is_of_invoice

        union all

        select
            {{ record_key("'credit'", "source_instance", "credit_note_key") }} as balance_key,
            customer_key,
            occurred_at as valid_from,
            case when amount is null then 'no_rate' end as exclusion_reason,
            0 as paid,
            amount as credited
        from credits
        where invoice_key is null
    ),

    united as (
        select
            balance_key,
            invoice_key,
            customer_key,
            valid_from,
            valid_to,
            due_on,
            exclusion_reason,
            invoiced,
            paid,
            case when is_written_off then invoiced else settled end - paid as credited
        from of_invoices

        union all

        select
            balance_key,
            cast(null as {{ dbt.type_string() }}) as invoice_key,
            customer_key,
            valid_from,
            cast(null as timestamp) as valid_to,
            cast(null as date) as due_on,
            exclusion_reason,
            0 as invoiced,
            paid,
            credited
        from on_account
    ),

    final as (
        select
            balance_key,
            invoice_key,
            customer_key,
            valid_from,
            coalesce(valid_to, {{ end_of_time() }}) as valid_to,
            due_on,
            exclusion_reason,
            cast(invoiced as {{ numeric_type() }}) as invoiced,
            cast(paid as {{ numeric_type() }}) as paid,
            cast(credited as {{ numeric_type() }}) as credited,
            cast(invoiced - paid - credited as {{ numeric_type() }}) as receivable
        from united
    )

select *
from final
