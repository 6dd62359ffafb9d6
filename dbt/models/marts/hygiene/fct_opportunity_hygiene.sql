-- One row per deal that counts (not deleted, not merged away), one column per rule: true where the
-- deal breaks it, NULL where the rule does not apply to it.
with
    opportunities as (select * from {{ ref("fct_opportunities") }} where removal is null),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    -- What was seen between loads was not told.
    told_closings as (
        select changes.opportunity_key, max(changes.changed_on) as told_on
        from {{ ref("fct_opportunity_changes") }} as changes
        left join
            {{ ref("int_opportunity_version_changes") }} as seen
            on changes.field_change_key = seen.field_change_key
        where
            seen.field_change_key is null
            and changes.field = 'stage'
            and changes.new_status <> 'open'
            and changes.new_status <> coalesce(changes.old_status, 'open')
        group by changes.opportunity_key
    ),

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
            cast(
                case when opportunities.is_won then opportunities.amount end as {{ numeric_type() }}
            ) as won_amount_at_stake,
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
                when opportunities.is_closed then opportunities.closed_at is null
            end as no_close_date,
            case
                when opportunities.is_closed
                then
                    abs(
                        {{
                            dbt.datediff(
                                "opportunities.close_date", "told_closings.told_on", "day"
                            )
                        }}
                    )
                    > 31
            end as close_date_far_from_closing,
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
        left join told_closings on opportunities.opportunity_key = told_closings.opportunity_key
    )

select *
from final
