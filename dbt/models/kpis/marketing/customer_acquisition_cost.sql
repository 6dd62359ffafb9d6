{%- set lag_months = 3 -%}
-- The new customers, and beside them what it cost to win them, by month. What no rate values is a
-- record that is left out, and so is who became a customer before anything is told of costs.
with
    new_customers as (select * from {{ ref("fct_new_customers") }}),

    ads as (
        select
            'spend_day' as entity,
            spend_day_key as entity_key,
            spend_day_id as entity_id,
            {{ or_none("channel") }} as channel,
            {{ or_none("campaign_id") }} as campaign,
            {{ month_start("day") }} as month_start,
            spend as amount,
            exclusion_reason
        from {{ ref("fct_spend_daily") }}
    ),

    costs as (
        select
            'cost' as entity,
            cost_key as entity_key,
            cost_id as entity_id,
            '(none)' as channel,
            '(none)' as campaign,
            month as month_start,
            amount,
            exclusion_reason
        from {{ ref("fct_costs") }}
        where coalesce(function, 'sales') <> 'other'
    ),

    spent as (
        select 'ads' as variant, ads.*
        from ads

        {%- for relation in ["ads", "costs"] %}
            union all

            select 'default' as variant, {{ relation }}.*
            from {{ relation }}
        {%- endfor %}
    ),

    dated as (
        select
            variant,
            entity,
            entity_key,
            entity_id,
            channel,
            campaign,
            month_start,
            amount,
            exclusion_reason
        from spent

        union all

        select
            'lagged' as variant,
            entity,
            entity_key,
            entity_id,
            channel,
            campaign,
            cast({{ dbt.dateadd("month", lag_months, "month_start") }} as date) as month_start,
            amount,
            exclusion_reason
        from spent
        where
            variant = 'default'
            and {{ dbt.dateadd("month", lag_months, "month_start") }} <= {{ current_month() }}
    )

{%- for variant in ["default", "ads", "lagged"] %}

    select
        '{{ variant }}' as variant,
        'new_customer' as entity,
        new_customers.new_customer_key as entity_key,
        coalesce(
            new_customers.account_id, new_customers.customer_id, new_customers.customer_key
        ) as entity_id,
        new_customers.channel,
        new_customers.campaign_id as campaign,
        new_customers.became_customer_on as period_on,
        cast(null as {{ dbt.type_string() }}) as side,
        cast(0 as {{ numeric_type() }}) as numerator,
        1 as denominator,
        case when told.since is null then 'no_costs' end as exclusion_reason
    from new_customers
    left join
        (select min(month_start) as since from dated where variant = '{{ variant }}') as told
        on new_customers.became_customer_on >= told.since

    union all
{%- endfor %}

select
    variant,
    entity,
    entity_key,
    entity_id,
    channel,
    campaign,
    month_start as period_on,
    null as side,
    amount as numerator,
    null as denominator,
    exclusion_reason
from dated
where exclusion_reason is not null

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
    sum(amount) as numerator,
    null as denominator,
    null as exclusion_reason
from dated
where exclusion_reason is null
group by variant, channel, campaign, month_start
