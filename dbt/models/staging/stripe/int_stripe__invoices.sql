{{ config(materialized="table") }}
-- Invoices that have been issued: a draft is none. One that a revision has replaced is void, as
-- Stripe itself says, or will. What was settled from the customer's balance is told apart.
with
    invoices as ({{ latest_versions("stripe", "invoices") }}),

    issued as (
        select
            source_instance,
            source_id,
            source_row,
            source_updated_at,
            coalesce(is_deleted, false) as is_deleted,
            loaded_at,
            customer,
            status,
            currency,
            coalesce(finalized_at, created) as issued_at,
            due_date,
            paid_at,
            total,
            tax,
            amount_due,
            amount_paid,
            amount_paid_off_stripe,
            amount_overpaid,
            starting_balance,
            latest_revision,
            opportunity_id
        from invoices
        where status <> 'draft'
    )

select
    issued.source_instance,
    issued.source_id,
    issued.source_row,
    issued.source_updated_at,
    issued.is_deleted,
    issued.loaded_at,
    issued.customer,
    case when revisions.source_id is not null then 'void' else issued.status end as status,
    issued.currency,
    issued.issued_at,
    issued.due_date,
    issued.paid_at,
    issued.total,
    issued.tax,
    issued.amount_paid,
    coalesce(issued.amount_paid_off_stripe, 0) as amount_paid_off_stripe,
    greatest(coalesce(issued.amount_overpaid, 0), 0) as overpaid,
    case
        when issued.total > 0 and issued.starting_balance < 0
        then
            least(
                - issued.starting_balance,
                issued.total,
                greatest(issued.total - coalesce(issued.amount_due, 0), 0)
            )
        else 0
    end as from_balance,
    issued.opportunity_id
from issued
left join
    issued as revisions
    on issued.source_instance = revisions.source_instance
    and issued.latest_revision = revisions.source_id
    and issued.source_id <> revisions.source_id
    and not revisions.is_deleted
