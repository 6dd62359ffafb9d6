-- Who is or was billed, deleted ones among them, with the account that it is in sales, and the
-- keys of the cuts of what it pays.
with
    customers as (select * from {{ ref("int_customers__unioned") }}),

    matches as (select * from {{ ref("int_customer_accounts") }}),

    accounts as (select * from {{ ref("int_accounts__unioned") }}),

    channels as (select * from {{ ref("int_account_channels") }}),

    plans as (
        select
            customer_key,
            plan,
            row_number() over (partition by customer_key order by month_start desc) as months_back
        from {{ ref("fct_mrr_monthly") }}
    )

select
    customers.customer_key,
    customers.source_id as customer_id,
    customers.source_system,
    customers.source_instance,
    customers.name as customer_name,
    matches.account_key,
    cast(matches.rule as {{ dbt.type_string() }}) as match_rule,
    cast(matches.confidence as numeric(2, 1)) as match_confidence,
    {{ or_none("accounts.segment") }} as segment,
    {{ or_none("accounts.region") }} as region,
    {{ or_none("channels.channel") }} as channel,
    channels.campaign_id,
    {{ or_none("plans.plan") }} as plan,
    customers.created_at,
    customers.is_deleted
from customers
left join matches on customers.customer_key = matches.customer_key
left join accounts on matches.account_key = accounts.account_key
left join channels on matches.account_key = channels.account_key
left join plans on customers.customer_key = plans.customer_key and plans.months_back = 1
