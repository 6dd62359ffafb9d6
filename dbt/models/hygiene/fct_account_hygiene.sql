-- One row per account that is not deleted, one column per rule: true where the account breaks it,
-- NULL where the rule does not apply to it.
with
    accounts as (select * from {{ ref("int_accounts__unioned") }} where not is_deleted),

    later as (select * from {{ ref("int_data_after_as_of") }} where entity = 'accounts'),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    given as ({{ given_columns("accounts", ["owner_id", "domain"]) }}),

    open_amounts as (
        select
            account_key,
            case when count(amount) = count(amount_native) then sum(amount) end as amount_at_stake
        from {{ ref("fct_opportunities") }}
        where is_open
        group by account_key
    ),

    final as (
        select
            coalesce(accounts.account_key, later.entity_key) as account_key,
            coalesce(accounts.source_instance, later.source_instance) as source_instance,
            coalesce(accounts.source_id, later.source_id) as source_id,
            coalesce(accounts.owner_id, later.owner_id) as rep_id,
            cast(
                case
                    when open_amounts.account_key is not null
                    then open_amounts.amount_at_stake
                    when accounts.account_key is not null
                    then 0
                end as {{ numeric_type() }}
            ) as amount_at_stake,
            case when given.owner_id then accounts.owner_id is null end as owner_missing,
            case when given.domain then accounts.domain is null end as domain_missing,
            case
                when accounts.owner_id is not null
                then coalesce(reps.left_on < {{ as_of_day() }}, false)
            end as owner_left,
            later.entity_key is not null as data_after_as_of
        from accounts
        full join later on accounts.account_key = later.entity_key
        left join reps on accounts.owner_id = reps.rep_id
        left join given on accounts.source_instance = given.source_instance
        left join open_amounts on accounts.account_key = open_amounts.account_key
    )

select *
from final
