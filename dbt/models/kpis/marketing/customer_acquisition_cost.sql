{%- set lag_months = 3 -%}
-- The new customers, and beside them what it cost to win them, by month. What no rate values is a
-- record that is left out, and so is who became a customer before anything is told of costs.
with
    new_customers as (select * from {{ ref("fct_new_customers") }}),

    {{ spent_by_variant() }},

    dated as (
        {%- for variant, months in [("variant", 0), ("'lagged'", lag_months)] %}
            select
                {{ variant }} as variant,
                entity,
                entity_key,
                entity_id,
                channel,
                campaign,
                cast(
                    {{ dbt.dateadd("month", months, month_start("spent_on")) }} as date
                ) as spent_on,
                amount,
                exclusion_reason
            from spent
            where
                coalesce(function, 'sales') <> 'other'
                {%- if months %}
                    and variant = 'default'
                    and {{ dbt.dateadd("month", months, month_start("spent_on")) }}
                    <= {{ current_month() }}
                {%- endif %} {{ 'union all' if not loop.last }}
        {%- endfor %}
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
        (select min(spent_on) as since from dated where variant = '{{ variant }}') as told
        on new_customers.became_customer_on >= told.since

    union all
{%- endfor %}

{{ spend_beside("dated") }}
