-- Open deals whose stay, as of now, has lasted over twice as long as the median stay in the stage.
with
    stays as (
        select *, {{ days_between("entered_at", as_of()) }} as age_days
        from {{ ref("fct_stage_visits") }}
        where ended_as = 'open'
    ),

    durations as (select * from {{ ref("int_stage_durations") }}),

    deals as (select * from {{ ref("int_kpi_deals") }})

select
    'default' as variant,
    'opportunity' as entity,
    deals.opportunity_key as entity_key,
    deals.opportunity_id as entity_id,
    {%- for cut in deal_cuts() %} deals.{{ cut }}, {%- endfor %}
    stays.stage,
    cast(null as date) as period_on,
    deals.amount as numerator,
    cast(null as integer) as denominator,
    case
        when not stays.is_entry_known
        then 'no_stage_history'
        when stays.age_days is null
        then 'no_created_at'
        when deals.amount is null
        then 'no_amount'
    end as exclusion_reason
from stays
inner join deals on stays.opportunity_key = deals.opportunity_key
left join durations on deals.pipeline = durations.pipeline and stays.stage = durations.stage
where
    not stays.is_entry_known or stays.age_days is null or stays.age_days > 2 * durations.median_days
