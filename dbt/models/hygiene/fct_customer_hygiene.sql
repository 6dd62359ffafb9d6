-- One row per customer that is not deleted, one column per rule: true where the customer breaks it,
-- NULL where the rule does not apply to it.
with
    customers as (select * from {{ ref("int_customers__unioned") }} where not is_deleted),

    matches as (select * from {{ ref("int_customer_accounts") }}),

    accounts as (
        select count(*) > 0 as are_given
        from {{ ref("int_accounts__unioned") }}
        where not is_deleted
    ),

    invoiced as (
        select customer_key, {{ whole_sum("amount") }} as amount
        from {{ ref("fct_invoices") }}
        where standing <> 'does_not_count'
        group by customer_key
    ),

    judged as (
        select
            customers.customer_key,
            customers.source_instance,
            customers.source_id,
            case
                when invoiced.customer_key is null
                then cast(0 as {{ numeric_type() }})
                else invoiced.amount
            end as amount_at_stake,
            {%- for rule, finding in [
                ("account_unmatched", "matches.account_key is null"),
                ("match_ambiguous", "matches.is_ambiguous"),
                (
                    "account_deleted",
                    "coalesce(matches.conflict = 'deleted_account', false)",
                ),
                (
                    "account_contradicted",
                    "coalesce(matches.conflict = 'domain_of_another_account', false)",
                ),
            ] %}
                case when accounts.are_given then {{ finding }} end as {{ rule }}
                {{- "," if not loop.last }}
            {%- endfor %}
        from customers
        cross join accounts
        inner join matches on customers.customer_key = matches.customer_key
        left join invoiced on customers.customer_key = invoiced.customer_key
    ),

    final as ({{ judged_and_later("customer") }})

select *
from final
