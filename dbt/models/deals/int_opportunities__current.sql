{{
    increment(
        "clocked",
        of=[
            "int_opportunities__unioned",
            "int_opportunity_states",
            "int_opportunity_closings",
            "int_opportunity_stage_moves",
            "int_opportunity_merges",
            "int_opportunity_changes",
        ],
    )
}}
-- One row per deal that exists as of the run's moment: its state then, when it closed, who is
-- credited with it, and whether it was deleted or merged away.
with
    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    states as (select * from {{ ref("int_opportunity_states") }}),

    closings as (select * from {{ ref("int_opportunity_closings") }}),

    moves as (
        select opportunity_key, position, moved_at, is_closing
        from {{ ref("int_opportunity_stage_moves") }}
        where moved_at <= {{ as_of() }}
    ),

    last_closings as (
        select moves.opportunity_key, moves.moved_at as closed_at
        from moves
        inner join
            (
                select opportunity_key, max(position) as position
                from moves
                where is_closing
                group by opportunity_key
            ) as latest
            on moves.opportunity_key = latest.opportunity_key
            and moves.position = latest.position
    ),

    merges as (
        select opportunity_key, merged_at
        from {{ ref("int_opportunity_merges") }}
        where merged_into_key is not null
    ),

    changes as (
        select
            *,
            changed_at <= {{ as_of() }} as has_happened,
            coalesce({{ is_true("new_value") }}, false) as is_yes
        from {{ ref("int_opportunity_changes") }}
        where field = 'is_deleted'
    ),

    removals as (
        select
            opportunity_key,
            max(case when has_happened and is_yes then changed_at end) as deleted_at,
            max(case when has_happened and not is_yes then changed_at end) as restored_at,
            min(case when not has_happened and is_yes then changed_at end) as deleted_later_at,
            min(case when not has_happened and not is_yes then changed_at end) as restored_later_at
        from changes
        group by opportunity_key
    ),

    now_in as (select * from states where valid_to is null),

    dated as (
        select
            opportunities.*,
            now_in.pipeline as pipeline_now,
            now_in.stage as stage_now,
            now_in.stage_order,
            now_in.status,
            now_in.probability as stage_probability,
            now_in.deal_probability,
            now_in.amount_native,
            now_in.currency as currency_now,
            now_in.close_date as close_date_now,
            now_in.owner_id as owner_id_now,
            now_in.forecast_category as forecast_category_now,
            last_closings.closed_at as closed_at_now,
            coalesce(
                closings.is_bare and closings.closed_at = last_closings.closed_at, false
            ) as closed_is_bare,
            -- The closing of a deal that has been open since is its last one as of then.
            greatest(
                coalesce(
                    case
                        when closings.closed_at = last_closings.closed_at then closings.credited_at
                    end,
                    last_closings.closed_at
                ),
                opportunities.created_at
            ) as credited_at,
            case
                when merges.opportunity_key is not null
                then 'merged'
                when
                    opportunities.is_deleted
                    and (
                        removals.deleted_later_at is null
                        or removals.deleted_at
                        > coalesce(removals.restored_at, cast('0001-01-01' as timestamp))
                    )
                then 'deleted'
                -- Deleted then, and restored since.
                when
                    removals.restored_later_at is not null
                    and removals.deleted_at
                    > coalesce(removals.restored_at, cast('0001-01-01' as timestamp))
                then 'deleted'
            end as removal,
            case
                when merges.opportunity_key is not null
                then merges.merged_at
                when opportunities.is_deleted
                then coalesce(opportunities.source_updated_at, removals.deleted_at)
                else removals.deleted_at
            end as removed_at
        from opportunities
        inner join now_in on opportunities.opportunity_key = now_in.opportunity_key
        left join closings on opportunities.opportunity_key = closings.opportunity_key
        left join
            last_closings
            on case when now_in.status <> 'open' then opportunities.opportunity_key end
            = last_closings.opportunity_key
        left join merges on opportunities.opportunity_key = merges.opportunity_key
        left join removals on opportunities.opportunity_key = removals.opportunity_key
    ),

    at_close as (
        select dated.opportunity_key, max(states.owner_id) as owner_id, count(*) as states_found
        from dated
        inner join
            states
            on dated.opportunity_key = states.opportunity_key
            and states.valid_from <= dated.credited_at
            and (states.valid_to is null or states.valid_to > dated.credited_at)
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
            dated.pipeline_now as pipeline,
            dated.stage_now as stage,
            dated.stage_order,
            dated.status,
            dated.stage_probability as probability,
            dated.deal_probability,
            dated.amount_native,
            dated.currency_now as currency,
            dated.created_at,
            dated.first_contact_at,
            dated.close_date_now as close_date,
            dated.closed_at_now as closed_at,
            dated.closed_is_bare,
            dated.deal_type,
            dated.lead_source,
            dated.product,
            dated.region,
            dated.segment,
            case when dated.status <> 'open' then dated.loss_reason end as loss_reason,
            dated.forecast_category_now as forecast_category,
            dated.campaign_id,
            {{ extra_of("opportunities", "dated") }}
            dated.merged_into_id,
            dated.removal,
            case when dated.removal is not null then dated.removed_at end as removed_at
        from dated
        left join at_close on dated.opportunity_key = at_close.opportunity_key
    )

select *
from final
