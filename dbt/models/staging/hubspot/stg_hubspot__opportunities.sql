with
    deals as ({{ latest_versions("hubspot", "deals") }}),

    stages as ({{ hubspot_stages() }}),

    merged_ids as (
        select
            source_instance,
            source_id as merged_into_id,
            source_updated_at,
            is_deleted,
            unnest(string_to_array(hs_merged_object_ids, ';')) as merged_id
        from ({{ latest_versions("hubspot", "deals") }}) as winners
    ),

    -- A deal that was merged twice over is named by both: the one that is still there holds.
    merges as (
        select
            *,
            row_number() over (
                partition by source_instance, merged_id
                order by case when is_deleted then 1 else 0 end, source_updated_at desc
            ) as choice
        from merged_ids
    ),

    final as (
        select
            {{
                staged_record_columns(
                    "hubspot",
                    "opportunities",
                    "deals",
                    is_deleted="deals.is_deleted and merges.merged_id is null",
                )
            }},
            {{ extra_of("opportunities", "deals") }}
            deals.dealname as name,
            deals.company_id as account_id,
            deals.hubspot_owner_id as owner_id,
            coalesce(stages.pipeline, deals.pipeline) as pipeline,
            coalesce(stages.label, deals.dealstage) as stage,
            cast(null as {{ dbt.type_string() }}) as last_open_stage,
            deals.amount,
            {{ currency_code("deals.deal_currency_code") }} as currency,
            deals.createdate as created_at,
            {{ hubspot_moment("deals.first_contact_at") }} as first_contact_at,
            {{ hubspot_day("deals.closedate") }} as close_date,
            case
                when coalesce(stages.is_closed, stages.probability in (0, 1))
                then {{ hubspot_moment("deals.closedate") }}
            end as closed_at,
            case
                lower(deals.dealtype)
                when 'newbusiness'
                then 'new'
                when 'existingbusiness'
                then 'expansion'
                when 'renewal'
                then 'renewal'
            end as deal_type,
            deals.hs_analytics_source as lead_source,
            deals.product,
            deals.region,
            deals.segment,
            deals.closed_lost_reason as loss_reason,
            cast(null as {{ type_of("number") }}) as probability,
            {{ hubspot_forecast_category("deals.hs_manual_forecast_category") }}
            as forecast_category,
            deals.campaign_id,
            merges.merged_into_id
        from deals
        left join
            stages
            on deals.source_instance = stages.source_instance
            and stages.object = 'deals'
            and deals.dealstage = stages.stage_id
        left join
            merges
            on deals.source_instance = merges.source_instance
            and deals.source_id = merges.merged_id
            and merges.choice = 1
    )

select *
from final
