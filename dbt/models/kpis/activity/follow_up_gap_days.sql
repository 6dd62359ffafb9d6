{%- set cuts = deal_cuts() %}
-- How long deals waited from one reaching out to the next, before they closed; and the open deals,
-- with whether anybody reached out lately.
with
    deals as (
        select kpi_deals.*, opportunities.closed_at
        from {{ ref("int_kpi_deals") }} as kpi_deals
        inner join
            {{ ref("fct_opportunities") }} as opportunities
            on kpi_deals.opportunity_key = opportunities.opportunity_key
    ),

    outbound as (
        select
            activity_key,
            activity_id,
            opportunity_key,
            occurred_at,
            occurred_on,
            {{ local_time("occurred_at") }} as occurred_local
        from {{ ref("fct_activities") }}
        where has_happened and direction = 'out' and opportunity_key is not null
    ),

    before_closing as (
        select outbound.*
        from outbound
        inner join deals on outbound.opportunity_key = deals.opportunity_key
        where deals.closed_at is null or outbound.occurred_at < deals.closed_at
    ),

    in_order as (
        select
            *,
            lag(occurred_at) over (
                partition by opportunity_key order by occurred_at, activity_key
            ) as previous_at,
            lag(occurred_local) over (
                partition by opportunity_key order by occurred_at, activity_key
            ) as previous_local
        from before_closing
    ),

    gaps as (
        select
            *,
            {{ days_between("previous_at", "occurred_at", "previous_local", "occurred_local") }}
            as days
        from in_order
        where previous_at is not null
    ),

    touched as (
        select
            opportunity_key,
            case
                when last_outbound_at > {{ as_of() }} - interval '14 days' then 1 else 0
            end as is_touched,
            are_outbound_told
        from {{ ref("int_deal_activities") }}
    )

select
    'default' as variant,
    'activity' as entity,
    gaps.activity_key as entity_key,
    gaps.activity_id as entity_id,
    {%- for cut in cuts %} deals.{{ cut }}, {%- endfor %}
    gaps.occurred_on as period_on,
    gaps.days as numerator,
    1 as denominator,
    coalesce(
        deals.removal,
        case when deals.status <> 'open' and deals.closed_at is null then 'no_close_date' end
    ) as exclusion_reason
from gaps
inner join deals on gaps.opportunity_key = deals.opportunity_key

union all

select
    'share_touched_14d' as variant,
    'opportunity' as entity,
    deals.opportunity_key as entity_key,
    deals.opportunity_id as entity_id,
    {%- for cut in cuts %} deals.{{ cut }}, {%- endfor %}
    cast(null as date) as period_on,
    touched.is_touched as numerator,
    1 as denominator,
    coalesce(
        deals.removal, case when not touched.are_outbound_told then 'no_activities' end
    ) as exclusion_reason
from deals
inner join touched on deals.opportunity_key = touched.opportunity_key
where deals.status = 'open'
