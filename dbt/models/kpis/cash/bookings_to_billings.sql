-- Won deals, and what was invoiced of them within sixty days of closing.
with
    won as (
        select
            deals.*,
            billed.billed_in_window as billed,
            billed.n_invoices_in_window as n_invoices,
            case when not billed.is_due then 'not_due' end as too_young,
            case when not billed.is_linked then 'no_invoice_link' end as without_link
        from {{ ref("int_kpi_deals") }} as deals
        inner join
            {{ ref("int_bookings_billed") }} as billed
            on deals.opportunity_key = billed.opportunity_key
    )

select
    'default' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    case when billed > amount then amount else billed end as numerator,
    amount as denominator,
    coalesce(
        too_young,
        {{ amount_exclusion("amount_native", "amount") }},
        case when billed is null then 'no_rate' end,
        without_link
    ) as exclusion_reason
from won

union all

select
    'first_invoice' as variant,
    {{ deal_member() }},
    closed_on as period_on,
    case when n_invoices > 0 then 1 else 0 end as numerator,
    1 as denominator,
    coalesce(too_young, without_link) as exclusion_reason
from won
