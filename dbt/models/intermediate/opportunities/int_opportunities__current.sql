-- One row per deal that exists as of the run's moment: its state then, when it closed, who is
-- credited with it, and whether it was deleted or merged away.
with
    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    states as (select * from {{ ref("int_opportunity_states") }}),

    changes as (
        select *, changed_at <= {{ as_of() }} as has_happened
        from {{ ref("int_opportunity_changes") }}
        where field in ('stage', 'merged_into_id', 'is_deleted')
    ),

    stages as (select * from {{ ref("int_stages__resolved") }}),

    moves as (
        select
            changes.opportunity_key,
            max(
                case
                    when
                        changes.has_happened and changes.field = 'stage' and stages.status <> 'open'
                    then changes.changed_at
                end
            ) as last_closing_at,
            max(
                case
                    when changes.has_happened and changes.field = 'merged_into_id'
                    then changes.changed_at
                end
            ) as merged_at,
            max(
                case
                    when
                        changes.has_happened
                        and changes.field = 'is_deleted'
                        and {{ is_true("changes.new_value") }}
                    then changes.changed_at
                end
            ) as deleted_at,
            min(
                case
                    when
                        not changes.has_happened
                        and changes.field = 'is_deleted'
                        and not {{ is_true("changes.new_value") }}
                    then changes.changed_at
                end
            ) as restored_later_at,
            max(
                case
                    when
                        changes.has_happened
                        and changes.field = 'is_deleted'
                        and not {{ is_true("changes.new_value") }}
                    then changes.changed_at
                end
            ) as restored_at
        from changes
        left join
            stages
            on changes.source_instance = stages.source_instance
            and coalesce(changes.pipeline, '') = coalesce(stages.pipeline, '')
            and changes.new_value = stages.stage
        group by changes.opportunity_key
    ),

    now_in as (select * from states where valid_to is null),

    dated as (
        select
            opportunities.*,
            now_in.stage as stage_now,
            now_in.stage_order,
            now_in.status,
            now_in.probability,
            now_in.amount_native,
            now_in.currency as currency_now,
            now_in.close_date as close_date_now,
            now_in.owner_id as owner_id_now,
            now_in.forecast_category as forecast_category_now,
            case
                when now_in.status <> 'open'
                then
                    coalesce(
                        case
                            when opportunities.closed_at <= {{ as_of() }}
                            then opportunities.closed_at
                        end,
                        moves.last_closing_at,
                        {{ day_start("now_in.close_date") }}
                    )
            end as closed_at_now,
            case
                when
                    opportunities.merged_into_id is not null
                    and coalesce(moves.merged_at, opportunities.source_updated_at, {{ as_of() }})
                    <= {{ as_of() }}
                then 'merged'
                when opportunities.is_deleted
                then 'deleted'
                -- Deleted then, and restored since.
                when
                    moves.restored_later_at is not null
                    and moves.deleted_at
                    > coalesce(moves.restored_at, cast('0001-01-01' as timestamp))
                then 'deleted'
            end as removal,
            case
                when opportunities.merged_into_id is not null
                then coalesce(moves.merged_at, opportunities.source_updated_at)
                when opportunities.is_deleted
                then opportunities.source_updated_at
                else moves.deleted_at
            end as removed_at
        from opportunities
        inner join now_in on opportunities.opportunity_key = now_in.opportunity_key
        left join moves on opportunities.opportunity_key = moves.opportunity_key
    ),

    at_close as (
        select dated.opportunity_key, max(states.owner_id) as owner_id, count(*) as states_found
        from dated
        inner join
            states
            on dated.opportunity_key = states.opportunity_key
            and states.valid_from <= dated.closed_at_now
            and (states.valid_to is null or states.valid_to > dated.closed_at_now)
        where dated.closed_at_now is not null
        group by dated.opportunity_key
    ),

    final as (
        select
            dated.opportunity_key,
            dated.source_system,
            dated.source_instance,
            dated.source_id,
            dated.source_updated_at,
            dated.loaded_at,
            dated.name,
            dated.account_id,
            dated.owner_id_now as owner_id,
            case
                when at_close.states_found > 0 then at_close.owner_id else dated.owner_id_now
            end as credited_owner_id,
            dated.pipeline,
            dated.stage_now as stage,
            dated.stage_order,
            dated.status,
            dated.probability,
            dated.amount_native,
            dated.currency_now as currency,
            dated.created_at,
            dated.first_contact_at,
            dated.close_date_now as close_date,
            dated.closed_at_now as closed_at,
            dated.deal_type,
            dated.lead_source,
            dated.product,
            dated.region,
            dated.segment,
            case when dated.status <> 'open' then dated.loss_reason end as loss_reason,
            dated.forecast_category_now as forecast_category,
            dated.campaign_id,
            dated.merged_into_id,
            dated.removal,
            case when dated.removal is not null then dated.removed_at end as removed_at
        from dated
        left join at_close on dated.opportunity_key = at_close.opportunity_key
    )

select *
from final
