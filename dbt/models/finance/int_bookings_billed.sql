-- Won deals with what was invoiced of them, up to sixty days after they closed and so far:
-- without tax, less what was credited of it by then, at the rate of the day of closing.
with
    deals as (
        select
            opportunity_key, closed_at, closed_on, closed_at + interval '60 days' as window_ends_at
        from {{ ref("fct_opportunities") }}
        where is_won and closed_at is not null
    ),

    invoices as (
        select
            deals.window_ends_at,
            deals.closed_on,
            invoices.*,
            invoices.issued_at <= deals.window_ends_at as is_in_window
        from {{ ref("int_invoices__priced") }} as invoices
        inner join deals on invoices.opportunity_key = deals.opportunity_key
        where invoices.standing <> 'does_not_count'
    ),

    links as (
        select count(opportunity_key) > 0 as are_given
        from {{ ref("int_invoices__priced") }}
        where standing <> 'does_not_count'
    ),

    credits as (
        select
            invoices.invoice_key,
            sum(credits.of_invoice) as amount,
            sum(
                case when credits.occurred_at <= invoices.window_ends_at then credits.of_invoice end
            ) as amount_in_window
        from invoices
        inner join {{ ref("int_credits") }} as credits on invoices.invoice_key = credits.invoice_key
        group by invoices.invoice_key
    ),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    priced as (
        select
            invoices.opportunity_key,
            invoices.is_in_window,
            {%- for amount in ["amount", "amount_in_window"] %}
                {{
                    reporting_amount(
                        "invoices.total_native - invoices.tax_native - coalesce(credits."
                        ~ amount
                        ~ ", 0)",
                        fx_rate("invoices.currency", "rates"),
                    )
                }} as {{ amount }}{{ ',' if not loop.last }}
            {%- endfor %}
        from invoices
        left join credits on invoices.invoice_key = credits.invoice_key
        left join
            rates on invoices.currency = rates.currency and invoices.closed_on = rates.date_day
    ),

    billed as (
        select
            opportunity_key,
            count(*) as n_invoices,
            count(case when is_in_window then 1 end) as n_invoices_in_window,
            {{ whole_sum("amount") }} as billed,
            case
                when count(case when is_in_window and amount_in_window is null then 1 end) = 0
                then coalesce(sum(case when is_in_window then amount_in_window end), 0)
            end as billed_in_window
        from priced
        group by opportunity_key
    ),

    final as (
        select
            deals.opportunity_key,
            deals.window_ends_at <= {{ as_of() }} as is_due,
            links.are_given as is_linked,
            coalesce(billed.n_invoices, 0) as n_invoices,
            coalesce(billed.n_invoices_in_window, 0) as n_invoices_in_window,
            case when billed.opportunity_key is null then 0 else billed.billed end as billed,
            case
                when billed.opportunity_key is null then 0 else billed.billed_in_window
            end as billed_in_window
        from deals
        cross join links
        left join billed on deals.opportunity_key = billed.opportunity_key
    )

select *
from final
