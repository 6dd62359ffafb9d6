-- One row per account that is not deleted, one column per rule: true where the account breaks it,
-- NULL where the rule does not apply to it.
with
    accounts as (select * from {{ ref("int_accounts__unioned") }} where not is_deleted),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    open_amounts as (
        select account_key, sum(amount) as amount_at_stake
        from {{ ref("fct_opportunities") }}
        where is_open
        group by account_key
    ),

    final as (
        select
            accounts.account_key,
            accounts.source_instance,
            accounts.source_id,
            accounts.owner_id as rep_id,
            cast(open_amounts.amount_at_stake as {{ numeric_type() }}) as amount_at_stake,
            accounts.owner_id is null as owner_missing,
            accounts.domain is null as domain_missing,
            case
                when accounts.owner_id is not null
                then coalesce(reps.left_on < {{ as_of_day() }}, false)
            end as owner_left
        from accounts
        left join reps on accounts.owner_id = reps.rep_id
        left join open_amounts on accounts.account_key = open_amounts.account_key
    )

select *
from final
