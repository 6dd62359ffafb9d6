-- One row per customer that ever bought, at the earliest of its first paid invoice, its first
-- subscription that pays, and its account's first won deal of new business. Customers of one
-- account are one; an account that nobody bills is one by its deal.
with
    matches as (select customer_key, account_key from {{ ref("int_customer_accounts") }}),

    accounts as (select * from {{ ref("dim_account") }}),

    deals as (
        select account_key, is_won, closed_at, deal_type, count(deal_type) over () as n_typed
        from {{ ref("fct_opportunities") }}
    ),

    invoiced as (
        select *
        from {{ ref("fct_invoices") }}
        where standing <> 'does_not_count' and total_native > 0
    ),

    -- A payment that names no invoice is one of those that its customer has.
    paid as (
        {%- for by, preference, moment, records, condition in [
            (
                "paid_invoice",
                1,
                "first_paid_at",
                "invoiced",
                "true",
            ),
            (
                "paid_invoice",
                1,
                "occurred_at",
                ref("fct_payments"),
                "kind = 'payment' and invoice_key is null"
                " and customer_key in (select customer_key from invoiced)",
            ),
            (
                "subscription",
                2,
                "started_at",
                ref("int_subscriptions__counted"),
                brings_revenue("records"),
            ),
        ] %}
            select
                customer_key,
                min({{ moment }}) as bought_at,
                '{{ by }}' as bought_by,
                {{ preference }} as preference
            from {{ records }} as records
            where {{ condition }} and {{ moment }} is not null
            group by customer_key {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    bought as (
        select
            coalesce(matches.account_key, paid.customer_key) as new_customer_key,
            matches.account_key,
            paid.customer_key,
            paid.bought_at,
            paid.bought_by,
            paid.preference
        from paid
        left join matches on paid.customer_key = matches.customer_key

        union all

        -- Where no deal says of which type it is, any may be the first.
        select
            deals.account_key as new_customer_key,
            deals.account_key,
            cast(null as {{ dbt.type_string() }}) as customer_key,
            min(deals.closed_at) as bought_at,
            'won_deal' as bought_by,
            3 as preference
        from deals
        inner join accounts on deals.account_key = accounts.account_key
        where
            deals.is_won
            and deals.closed_at is not null
            and not accounts.is_deleted
            and (deals.deal_type = 'new' or deals.n_typed = 0)
        group by deals.account_key
    ),

    firsts as (
        select
            *,
            row_number() over (
                partition by new_customer_key order by bought_at, preference, customer_key
            ) as nth
        from bought
    ),

    -- Of several customers of one account, the one that paid first stands for them.
    known as (
        select
            new_customer_key,
            customer_key,
            row_number() over (
                partition by new_customer_key order by bought_at nulls last, customer_key
            ) as choice
        from
            (
                select new_customer_key, customer_key, bought_at
                from bought
                where customer_key is not null

                union all

                select account_key as new_customer_key, customer_key, null as bought_at
                from matches
                where account_key is not null
            ) as candidates
    ),

    final as (
        select
            firsts.new_customer_key,
            known.customer_key,
            firsts.account_key,
            customers.customer_id,
            accounts.account_id,
            coalesce(
                customers.customer_name, accounts.account_name, customers.customer_id
            ) as customer_name,
            firsts.bought_at as became_customer_at,
            {{ local_day("firsts.bought_at") }} as became_customer_on,
            cast(firsts.bought_by as {{ dbt.type_string() }}) as became_customer_by,
            {{ or_none("accounts.segment") }} as segment,
            {{ or_none("accounts.region") }} as region,
            {{ or_none("channels.channel") }} as channel,
            {{ or_none("channels.campaign_id") }} as campaign_id,
            {{ or_none("customers.plan") }} as plan
        from firsts
        left join known on firsts.new_customer_key = known.new_customer_key and known.choice = 1
        left join
            {{ ref("dim_customer") }} as customers on known.customer_key = customers.customer_key
        left join accounts on firsts.account_key = accounts.account_key
        left join
            {{ ref("int_account_channels") }} as channels
            on firsts.account_key = channels.account_key
        where firsts.nth = 1
    )

select *
from final
