{{
    increment(
        "clocked",
        of=["fct_stage_visits", "int_kpi_deals"],
        apart=["int_stage_durations"],
        materialized="view",
    )
}}
-- Open deals, with their amount where their stay, as of now, has lasted over twice as long as the
-- median stay in the stage, else with 0. Without a usual stay there is no verdict.
with
    stays as (
        select *, {{ days_between("entered_at", as_of()) }} as age_days
        from {{ ref("fct_stage_visits") }}
        where ended_as = 'open'
    ),

    durations as (select * from {{ ref("int_stage_durations") }}),

    deals as (select * from {{ ref("int_kpi_deals") }}),

    judged as (
        select
            stays.opportunity_key,
            stays.stage_label as stage,
            stays.is_entry_known,
            stays.age_days,
            durations.median_days,
            stays.age_days > 2 * durations.median_days as is_stalled
        from stays
        inner join deals on stays.opportunity_key = deals.opportunity_key
        left join
            durations
            on stays.source_instance = durations.source_instance
            and {{ or_none("stays.pipeline") }} = durations.pipeline
            and stays.stage = durations.stage
    )

select
    'default' as variant,
    deals.opportunity_key,
    'opportunity' as entity,
    deals.opportunity_key as entity_key,
    deals.opportunity_id as entity_id,
    {%- for cut in deal_cuts() %} deals.{{ cut }}, {%- endfor %}
    {{ or_none("judged.stage") }} as stage,
    cast(null as date) as period_on,
    case when judged.is_stalled then deals.amount else 0 end as numerator,
    cast(null as integer) as denominator,
    case
        when not judged.is_entry_known
        then 'no_history'
        when judged.age_days is null
        then 'no_created_at'
        when judged.median_days is null
        then 'no_usual'
        when judged.is_stalled
        then {{ amount_exclusion("deals.amount_native", "deals.amount") }}
    end as exclusion_reason
from judged
inner join deals on judged.opportunity_key = deals.opportunity_key
