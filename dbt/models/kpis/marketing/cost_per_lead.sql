-- The leads, and beside them what marketing spent, by month. Spend that no rate values is a record
-- that is left out.
with
    leads as (select * from {{ ref("int_leads__unioned") }}),

    spend as (select * from {{ ref("marketing_spend") }}),

    by_month as (
        select
            variant,
            channel,
            campaign,
            {{ month_start("period_on") }} as month_start,
            sum(numerator) as numerator
        from spend
        where exclusion_reason is null
        group by variant, channel, campaign, {{ month_start("period_on") }}
    )

{%- for variant in ["default", "ads"] %}

    select
        '{{ variant }}' as variant,
        'lead' as entity,
        lead_key as entity_key,
        source_id as entity_id,
        {{ or_none("channel") }} as channel,
        {{ or_none("campaign_id") }} as campaign,
        {{ local_day("created_at") }} as period_on,
        cast(null as {{ dbt.type_string() }}) as side,
        cast(0 as {{ numeric_type() }}) as numerator,
        1 as denominator,
        case when is_deleted then 'deleted' end as exclusion_reason
    from leads

    union all
{%- endfor %}

select
    variant,
    entity,
    entity_key,
    entity_id,
    channel,
    campaign,
    period_on,
    null as side,
    numerator,
    null as denominator,
    exclusion_reason
from spend
where exclusion_reason = 'no_rate'

union all

select
    variant,
    'campaign' as entity,
    null as entity_key,
    campaign as entity_id,
    channel,
    campaign,
    month_start as period_on,
    'numerator' as side,
    numerator,
    null as denominator,
    null as exclusion_reason
from by_month
