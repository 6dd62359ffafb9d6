-- What lines come to after discounts. A credit gives back what was billed: its quantity is below 0.
with
    lines as ({{ latest_versions("stripe", "invoice_lines") }}),

    invoices as (select source_instance, source_id from {{ ref("int_stripe__invoices") }}),

    products as ({{ latest_versions("stripe", "products") }}),

    final as (
        select
            {{
                staged_record_columns(
                    "stripe",
                    "invoice_lines",
                    "lines",
                    is_deleted="coalesce(lines.is_deleted, false)",
                )
            }},
            {{ no_extra_of("invoice_lines") }}
            lines.invoice as invoice_id,
            coalesce(products.name, lines.product, lines.description) as product,
            case
                when lines.is_credit then - abs(lines.quantity) else lines.quantity
            end as quantity,
            lines.amount - coalesce(lines.discount, 0) as amount,
            lines.period_start,
            lines.period_end,
            coalesce(lines.parent_type, '') = 'subscription_item_details'
            and not coalesce(lines.is_proration, false) as is_recurring
        from lines
        inner join
            invoices
            on lines.source_instance = invoices.source_instance
            and lines.invoice = invoices.source_id
        left join
            products
            on lines.source_instance = products.source_instance
            and lines.product = products.source_id
    )

select *
from final
