-- The leads, and beside them what marketing spent, by month. Spend that no rate values is a record
-- that is left out, and so are leads of before anything is told of spend.
with
    leads as (
        select *, {{ local_day("created_at") }} as created_on from {{ ref("int_leads__reached") }}
    ),

    spend as (
        select *, period_on as spent_on, numerator as amount
        from {{ ref("marketing_spend") }}
        where coalesce(exclusion_reason, 'no_rate') = 'no_rate'
    ),

    told as (
        select variant, {{ month_start("min(spent_on)") }} as since from spend group by variant
    ),

    leads_by_variant as (
        {%- for variant in ["default", "ads"] %}
            select '{{ variant }}' as variant, leads.* from leads {{ 'union all' if not loop.last }}
        {%- endfor %}
    )

select
    leads_by_variant.variant,
    'lead' as entity,
    leads_by_variant.lead_key as entity_key,
    leads_by_variant.source_id as entity_id,
    {{ or_none("leads_by_variant.reached_by") }} as channel,
    {{ or_none("leads_by_variant.campaign_id") }} as campaign,
    leads_by_variant.created_on as period_on,
    cast(null as {{ dbt.type_string() }}) as side,
    cast(0 as {{ numeric_type() }}) as numerator,
    1 as denominator,
    case
        when leads_by_variant.is_deleted
        then 'deleted'
        when told.since is null or leads_by_variant.created_on < told.since
        then 'no_costs'
    end as exclusion_reason
from leads_by_variant
left join told on leads_by_variant.variant = told.variant

union all

{{ spend_beside("spend") }}
