-- One row per deal that counts (not deleted, not merged away), one column per rule: true where the
-- deal breaks it, NULL where the rule does not apply to it.
with
    opportunities as (select * from {{ ref("fct_opportunities") }} where removal is null),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    final as (
        select
            opportunities.opportunity_key,
            opportunities.source_instance,
            opportunities.opportunity_id as source_id,
            opportunities.rep_id,
            cast(
                case
                    when opportunities.is_open then opportunities.amount
                end as {{ numeric_type() }}
            ) as amount_at_stake,
            opportunities.owner_id is null as owner_missing,
            case
                when opportunities.is_open or opportunities.is_won
                then opportunities.account_id is null
            end as account_missing,
            case
                when opportunities.is_open then coalesce(opportunities.amount_native, 0) = 0
            end as amount_missing,
            case
                when opportunities.is_open then opportunities.close_date is null
            end as close_date_missing,
            opportunities.created_at is null as created_at_missing,
            case
                when opportunities.is_won then coalesce(opportunities.amount_native, 0) = 0
            end as won_without_amount,
            case
                when opportunities.status = 'lost' then opportunities.loss_reason is null
            end as lost_without_reason,
            opportunities.amount_native < 0 as amount_negative,
            case
                when opportunities.is_open then opportunities.close_date < {{ as_of_day() }}
            end as close_date_past,
            case
                when opportunities.is_closed then opportunities.closed_at > {{ as_of() }}
            end as closed_ahead,
            case
                when opportunities.is_closed then opportunities.closed_at < opportunities.created_at
            end as closed_before_created,
            case
                when opportunities.is_closed
                then opportunities.closed_at < opportunities.first_contact_at
            end as closed_before_contact,
            case
                when opportunities.is_open and opportunities.owner_id is not null
                then coalesce(reps.left_on < {{ as_of_day() }}, false)
            end as owner_left
        from opportunities
        left join reps on opportunities.owner_id = reps.rep_id
    )

select *
from final
