{{ increment("clocked", of=["fct_stage_visits", "int_kpi_deals"], materialized="view") }}
-- Stays in open stages that a move has ended, however; skipped stages were no stays. `per_deal`
-- adds up all stays of a deal in a stage that it is no longer in.
with
    stays as (
        select
            stage_visit_key,
            opportunity_key,
            {{ or_none("pipeline") }} as pipeline,
            {{ or_none("stage_label") }} as stage,
            days,
            exited_on,
            is_entry_known,
            ended_as in ('open', 'deleted', 'merged') as is_unfinished
        from {{ ref("fct_stage_visits") }}
        where status = 'open' and not is_skipped
    ),

    ended as (
        select
            'stage_visit' as entity,
            stage_visit_key as entity_key,
            opportunity_key,
            pipeline,
            stage,
            days,
            exited_on,
            is_entry_known
        from stays
        where not is_unfinished
    ),

    per_deal as (
        select
            'opportunity_stage' as entity,
            md5(opportunity_key || '|' || stage) as entity_key,
            opportunity_key,
            pipeline,
            stage,
            case when count(days) = count(*) then sum(days) end as days,
            max(exited_on) as exited_on,
            min(case when is_entry_known then 1 else 0 end) = 1 as is_entry_known
        from stays
        group by opportunity_key, pipeline, stage
        having max(case when is_unfinished then 1 else 0 end) = 0
    )

{%- for variant, population in [
        ("default", "ended"),
        ("median", "ended"),
        ("per_deal", "per_deal"),
    ] %}

    select
        '{{ variant }}' as variant,
        deals.opportunity_key,
        population.entity,
        population.entity_key,
        deals.opportunity_id as entity_id,
        {%- for cut in deal_cuts() if cut != "pipeline" %} deals.{{ cut }}, {%- endfor %}
        population.pipeline,
        population.stage,
        population.exited_on as period_on,
        population.days as numerator,
        1 as denominator,
        coalesce(
            deals.removal,
            case
                when not population.is_entry_known
                then 'no_history'
                when population.days is null
                then 'no_created_at'
            end
        ) as exclusion_reason
    from {{ population }} as population
    inner join
        {{ ref("int_kpi_deals") }} as deals on population.opportunity_key = deals.opportunity_key
        {{ 'union all' if not loop.last }}
{%- endfor %}
