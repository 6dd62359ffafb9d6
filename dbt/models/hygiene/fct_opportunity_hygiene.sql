-- One row per deal that counts (not deleted, not merged away), one column per rule: true where the
-- deal breaks it, NULL where the rule does not apply to it. A deal that counts nowhere, as it was
-- created after the company's own as_of, is there with that alone.
with
    opportunities as (select * from {{ ref("fct_opportunities") }} where removal is null),

    reps as (select rep_id, left_on from {{ ref("dim_rep") }}),

    closings as (
        select
            opportunity_key,
            contradiction,
            closed_at > {{ company_as_of() }} as closes_later,
            {{ local_day("recorded_from") }} as recorded_on,
            case when is_told then {{ local_day("window_to") }} end as told_on,
            recorded_from is null and not is_told as is_undated
        from {{ ref("int_opportunity_closings") }}
    ),

    later as (select * from {{ ref("int_data_after_as_of") }} where entity = 'opportunities'),

    stages as (
        select source_instance, coalesce(pipeline, '') as pipeline, stage
        from {{ ref("int_stages__resolved") }}
        where pipeline_stage_key is not null
    ),

    given as (
        {{
            given_columns(
                "opportunities",
                ["owner_id", "account_id", "amount", "close_date", "created_at", "loss_reason"],
            )
        }}
    ),

    pipelines as (select distinct source_instance, pipeline from stages),

    -- Deals whose history tells of stages that no pipeline names, or of pipelines that nothing
    -- does.
    astray as (
        select told.opportunity_key
        from {{ ref("int_opportunity_changes") }} as told
        left join
            pipelines
            on told.source_instance = pipelines.source_instance
            and told.new_value = pipelines.pipeline
        where
            told.field = 'pipeline'
            and told.is_told
            and told.new_value <> ''
            and told.pipeline is not null
            and pipelines.pipeline is null

        union
        {%- for pipeline, stage in [("old_pipeline", "old_stage"), ("pipeline", "stage")] %}
            select told.opportunity_key
            from {{ ref("int_opportunity_stage_changes") }} as told
            left join
                stages
                on told.source_instance = stages.source_instance
                and coalesce(told.{{ pipeline }}, '') = stages.pipeline
                and told.{{ stage }} = stages.stage
            where
                told.field = 'stage'
                and told.is_told
                and told.{{ stage }} is not null
                and stages.stage is null
                {{ 'union' if not loop.last }}
        {%- endfor %}
    ),

    doubted as (
        select
            opportunity_key,
            count(case when finding = 'emptied_contradicted' then 1 end) as contradictions,
            count(case when finding = 'history_unreadable' then 1 end) as unreadable
        from {{ ref("int_history_findings") }}
        group by opportunity_key
    ),

    deals as (
        select
            opportunities.*,
            opportunities.opportunity_id is not null as counts,
            later.entity_key as later_key,
            later.source_instance as later_instance,
            later.source_id as later_id,
            later.owner_id as later_owner_id,
            closings.contradiction,
            coalesce(closings.is_undated, opportunities.closed_at is null) as is_undated,
            astray.opportunity_key is not null as stage_unknown,
            coalesce(doubted.contradictions > 0, false) as emptied_contradicted,
            coalesce(doubted.unreadable > 0, false) as history_unreadable,
            {%- for column, day in [
                ("closing_gap_days", "closings.recorded_on"),
                (
                    "close_date_gap_days",
                    "coalesce(opportunities.close_date, closings.recorded_on)",
                ),
            ] %}
                case
                    when opportunities.is_closed
                    then {{ dbt.datediff(day, "closings.told_on", "day") }}
                end as {{ column }},
            {%- endfor %}
            later.entity_key is not null
            or coalesce(closings.closes_later, false) as data_after_as_of
        from opportunities
        full join later on opportunities.opportunity_key = later.entity_key
        left join closings on opportunities.opportunity_key = closings.opportunity_key
        left join astray on opportunities.opportunity_key = astray.opportunity_key
        left join doubted on opportunities.opportunity_key = doubted.opportunity_key
    ),

    final as (
        select
            coalesce(deals.opportunity_key, deals.later_key) as opportunity_key,
            coalesce(deals.source_instance, deals.later_instance) as source_instance,
            coalesce(deals.opportunity_id, deals.later_id) as source_id,
            case when deals.counts then deals.rep_id else deals.later_owner_id end as rep_id,
            cast(
                case
                    when deals.is_open then deals.amount when deals.counts then 0
                end as {{ numeric_type() }}
            ) as amount_at_stake,
            cast(
                case
                    when deals.is_won then deals.amount when deals.counts then 0
                end as {{ numeric_type() }}
            ) as won_amount_at_stake,
            case
                when given.owner_id and deals.counts then deals.owner_id is null
            end as owner_missing,
            case
                when given.account_id and (deals.is_open or deals.is_won)
                then deals.account_id is null
            end as account_missing,
            case
                when given.amount and deals.is_open then coalesce(deals.amount_native, 0) = 0
            end as amount_missing,
            case
                when given.close_date and deals.is_open then deals.close_date is null
            end as close_date_missing,
            case
                when given.created_at and deals.counts then deals.created_at is null
            end as created_at_missing,
            case
                when given.amount and deals.is_won then coalesce(deals.amount_native, 0) = 0
            end as won_without_amount,
            case
                when given.loss_reason and deals.status = 'lost' then deals.loss_reason is null
            end as lost_without_reason,
            deals.amount_native < 0 as amount_negative,
            case
                when deals.is_open then deals.close_date < {{ as_of_day() }}
            end as close_date_past,
            case when deals.is_closed then deals.is_undated end as no_close_date,
            abs(deals.close_date_gap_days) > 31 as close_date_far_from_closing,
            case
                when deals.is_closed then coalesce(deals.contradiction = 'closed_in_future', false)
            end as closed_in_future,
            case
                when deals.is_closed
                then coalesce(deals.contradiction = 'closing_contradicted', false)
            end as closing_contradicted,
            case
                when deals.is_closed then deals.days_from_creation_to_close < 0
            end as closed_before_created,
            deals.data_after_as_of,
            case when deals.counts then deals.stage_unknown end as stage_unknown,
            case when deals.counts then deals.emptied_contradicted end as emptied_contradicted,
            case when deals.counts then deals.history_unreadable end as history_unreadable,
            case
                when deals.is_closed
                then deals.first_contact_at is not null and deals.days_from_contact_to_close < 0
            end as closed_before_contact,
            case
                when deals.is_open and deals.owner_id is not null
                then coalesce(reps.left_on < {{ as_of_day() }}, false)
            end as owner_left,
            cast(deals.closing_gap_days as integer) as closing_gap_days
        from deals
        left join reps on deals.owner_id = reps.rep_id
        left join given on deals.source_instance = given.source_instance
    )

select *
from final
