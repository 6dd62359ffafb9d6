{#- Words of state with which an invoice counts, as everybody knows. -#}
{%- set counting = [
    "paid",
    "partially_paid",
    "partial",
    "part_paid",
    "settled",
    "completed",
    "complete",
    "closed",
    "open",
    "unpaid",
    "not_paid",
    "outstanding",
    "due",
    "not_due",
    "overdue",
    "past_due",
    "late",
    "sent",
    "viewed",
    "issued",
    "posted",
    "booked",
    "approved",
    "authorised",
    "authorized",
    "final",
    "finalized",
    "finalised",
    "submitted",
    "pending",
    "payment_due",
    "payment_pending",
    "in_payment",
    "in_collection",
    "disputed",
    "refunded",
    "partially_refunded",
    "credited",
    "active",
] -%}
{%- set settled = ["paid", "settled"] -%}
{#- What is told of an invoice's money: all that is known, and what of it had happened by now. -#}
{%- set spans = {"": "true", "_so_far": "occurred_at <= " ~ as_of()} -%}
{%- set settlements = {
    "payments": {"paid": "greatest(amount, 0)", "net_paid": "amount"},
    "credit_notes": {"credited": "abs(amount)"},
} -%}
{%- set said_paid = [] -%}
{%- for span in spans -%}
    {%- set net = "settled.net_paid" ~ span -%}
    {%- do said_paid.extend(
        [
            "settled.paid" ~ span,
            net,
            net ~ " - settled.credited" ~ span,
            net ~ " + settled.credited" ~ span,
        ]
    ) -%}
{%- endfor -%}
-- One row per invoice that is not deleted, one column per rule: true where the invoice breaks it,
-- NULL where the rule does not apply to it. What its record says may be of the run's moment or of
-- when it was loaded, and so it is set beside the payments and credits of both.
with
    invoices as (select * from {{ ref("fct_invoices") }}),

    records as (select * from {{ ref("int_invoices__unioned") }}),

    given as ({{ given_columns("invoices", ["due_at"]) }}),

    {% for entity, sums in settlements.items() -%}
        {{ entity }} as (
            select
                source_instance,
                invoice_id,
                {%- for name, amount in sums.items() %}
                    {%- for span, has_happened in spans.items() %}
                        sum(
                            case when {{ has_happened }} then {{ amount }} else 0 end
                        ) as {{ name }}{{ span }},
                    {%- endfor %}
                {%- endfor %}
                min(coalesce(currency, '{{ var("currency") }}')) as currency,
                max(coalesce(currency, '{{ var("currency") }}')) as last_currency
            from ({{ staged_records(entity) }}) as {{ entity }}
            where not is_deleted and invoice_id is not null
            group by source_instance, invoice_id
        ),
    {% endfor %}
    sources_with_payments as (select distinct source_instance from payments),

    lines as (
        select
            source_instance,
            invoice_id,
            sum(amount) as amount,
            min(case when quantity < 0 then 0 else amount end) as least_amount,
            count(*) as n_lines
        from {{ ref("int_invoice_lines__unioned") }}
        where not is_deleted
        group by source_instance, invoice_id
    ),

    undated as (
        select distinct invoice_key
        from {{ ref("fct_payments") }}
        where exclusion_reason = 'no_paid_at'
    ),

    settled as (
        select
            invoices.invoice_key,
            invoices.source_instance,
            invoices.invoice_id,
            invoices.status,
            invoices.standing,
            invoices.total_native,
            invoices.tax_native,
            invoices.amount,
            invoices.receivable,
            records.due_at,
            records.amount_paid,
            {%- for entity, sums in settlements.items() %}
                {%- for name in sums %}
                    {%- for span in spans %}
                        coalesce({{ entity }}.{{ name }}{{ span }}, 0) as {{ name }}{{ span }},
                    {%- endfor %}
                {%- endfor %}
            {%- endfor %}
            sources_with_payments.source_instance is not null as has_payments,
            true
            {%- for entity in settlements %}
                {%- for column in ["currency", "last_currency"] %}
                    and coalesce({{ entity }}.{{ column }}, invoices.currency) = invoices.currency
                {%- endfor %}
            {%- endfor %} as is_of_one_currency
        from invoices
        inner join records on invoices.invoice_key = records.invoice_key
        left join
            sources_with_payments
            on invoices.source_instance = sources_with_payments.source_instance
        {%- for entity in settlements %}
            left join
                {{ entity }}
                on invoices.source_instance = {{ entity }}.source_instance
                and invoices.invoice_id = {{ entity }}.invoice_id
        {%- endfor %}
    ),

    judged as (
        select
            settled.invoice_key,
            settled.source_instance,
            settled.invoice_id as source_id,
            settled.amount as amount_at_stake,
            settled.standing = 'counts'
            and {{ said_of("invoice_statuses", "settled.status") }} is null
            and {{ as_word("settled.status") }}
            not in ('{{ counting | join("', '") }}') as status_unknown,
            case when given.due_at then settled.due_at is null end as due_at_missing,
            undated.invoice_key is not null as paid_at_missing,
            settled.total_native < 0 as total_negative,
            case when settled.total_native >= 0 then lines.least_amount < 0 end as line_negative,
            abs(lines.amount - settled.total_native) > 0.01 * lines.n_lines
            and abs(lines.amount - settled.total_native + settled.tax_native)
            > 0.01 * lines.n_lines as lines_differ,
            case
                when
                    settled.standing = 'counts'
                    and settled.total_native >= 0
                    and settled.is_of_one_currency
                then settled.receivable < 0
            end as overpaid,
            case
                when
                    settled.has_payments
                    and settled.is_of_one_currency
                    and {{ as_word("settled.status") }} in ('{{ settled | join("', '") }}')
                then settled.paid + settled.credited < settled.total_native
            end as paid_without_payment,
            case
                when settled.has_payments and settled.is_of_one_currency
                then
                    {% for paid in said_paid %}
                        abs(settled.amount_paid - ({{ paid }})) >= 0.01{{ " and" if not loop.last }}
                    {%- endfor %}
            end as amount_paid_differs
        from settled
        left join given on settled.source_instance = given.source_instance
        left join
            lines
            on settled.source_instance = lines.source_instance
            and settled.invoice_id = lines.invoice_id
        left join undated on settled.invoice_key = undated.invoice_key
    ),

    final as ({{ judged_and_later("invoice") }})

select *
from final
