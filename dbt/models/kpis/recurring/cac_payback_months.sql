{%- set margin = var("gross_margin") -%}
-- The new customers, and beside them what they cost and what the margin leaves of their new
-- revenue, since costs are told. Without a margin nobody knows.
with
    acquisition as (select * from {{ ref("customer_acquisition_cost") }} where variant = 'default'),

    told as (select min(period_on) as since from acquisition where entity <> 'new_customer'),

    new_revenue as (select * from {{ ref("new_mrr") }} where exclusion_reason is null)

select
    'default' as variant,
    entity,
    entity_key,
    entity_id,
    period_on,
    side,
    numerator,
    cast(null as {{ numeric_type() }}) as denominator,
    {{ "exclusion_reason" if margin else "'no_margin'" }} as exclusion_reason
from acquisition
where {{ "coalesce(exclusion_reason, '') <> 'no_rate'" if margin else "entity = 'new_customer'" }}
{%- if margin %}

    union all

    select
        'default' as variant,
        new_revenue.entity,
        new_revenue.entity_key,
        new_revenue.entity_id,
        new_revenue.period_on,
        'denominator' as side,
        null as numerator,
        cast(new_revenue.numerator * {{ margin }} as {{ numeric_type() }}) as denominator,
        null as exclusion_reason
    from new_revenue
    inner join told on new_revenue.period_on >= told.since
{%- endif %}
