{%- set dimensions = ["company", "segment", "channel"] -%}
{%- set sums = ["new_customers", "cost", "new_mrr", "customers_lost", "customers_before"] -%}
{%- set period = "partition by period_grain, period_start" -%}
-- What a new customer costs, earns and is worth, by fiscal quarter and year and of all time: of the
-- company, each segment and each channel. Ad spend of a channel is its own; all other costs are
-- shared by all new customers alike, for nobody knows whom they won.
with
    numbers as (
        select *
        from {{ ref("kpi_values") }}
        where
            variant = 'default'
            and metric in (
                'customer_acquisition_cost',
                'new_mrr',
                'average_revenue_per_account',
                'logo_churn_rate'
            )
            and dimension in ('{{ dimensions | join("', '") }}')
    ),

    members as (
        select *
        from {{ ref("kpi_members") }}
        where metric = 'customer_acquisition_cost' and variant = 'default'
    ),

    -- Who is new, and what is new revenue, before anything is told of costs is set against none.
    told as (select min(period_on) as since from members where entity <> 'new_customer'),

    new_customers as (
        select
            {{ month_start("members.period_on") }} as month_start,
            'all' as company,
            customers.segment,
            customers.channel
        from members
        inner join
            {{ ref("fct_new_customers") }} as customers
            on members.entity_key = customers.new_customer_key
        where members.entity = 'new_customer' and members.exclusion_reason is null
    ),

    -- Of who paid when a month began those who did not at its end; of months that have ended.
    monthly as (
        select
            numbers.period_start as month_start,
            numbers.dimension,
            numbers.dimension_key,
            0 as new_customers,
            case
                when numbers.metric = 'customer_acquisition_cost' then numbers.numerator
            end as cost,
            case
                when numbers.metric = 'new_mrr' and told.since is not null then numbers.numerator
            end as new_mrr,
            {%- for name, part in [
                ("customers_lost", "numerator"),
                ("customers_before", "denominator"),
            ] %}
                case
                    when
                        numbers.metric = 'logo_churn_rate'
                        and numbers.period_start < {{ current_month() }}
                    then numbers.{{ part }}
                end as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from numbers
        left join told on numbers.period_start >= told.since
        where numbers.period_grain = 'month'

        {%- for dimension in dimensions %}
            union all

            select
                month_start,
                '{{ dimension }}' as dimension,
                {{ dimension }} as dimension_key,
                1 as new_customers,
                null as cost,
                null as new_mrr,
                null as customers_lost,
                null as customers_before
            from new_customers
        {%- endfor %}
    ),

    dated as (
        {%- for grain in ["quarter", "year", "all"] %}
            select
                '{{ grain }}' as period_grain,
                {{ kpi_period_start("month_start", grain) }} as period_start,
                monthly.*
            from monthly {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    summed as (
        select
            period_grain,
            period_start,
            dimension,
            dimension_key,
            {%- for name in sums %}
                sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from dated
        group by period_grain, period_start, dimension, dimension_key
    ),

    costed as (
        select
            *,
            max(case when dimension = 'company' then cost end) over ({{ period }}) as cost_of_all,
            sum(case when dimension = 'channel' and dimension_key <> '(none)' then cost end) over (
                {{ period }}
            ) as cost_of_channels,
            max(case when dimension = 'company' then new_customers end) over (
                {{ period }}
            ) as new_of_all
        from summed
    ),

    shared as (
        select
            *,
            case
                when dimension = 'company'
                then coalesce(cost, 0)
                when dimension = 'channel' and dimension_key <> '(none)'
                then coalesce(cost, 0)
                else 0
            end as direct_cost,
            cast(
                case
                    dimension
                    when 'company'
                    then 0
                    when 'segment'
                    then coalesce(cost_of_all, 0)
                    else coalesce(cost_of_all, 0) - coalesce(cost_of_channels, 0)
                end
                * {{ ratio("new_customers", "new_of_all") }} as {{ numeric_type() }}
            ) as shared_cost,
            {{ ratio("new_mrr", "new_customers") }} as new_mrr_per_customer,
            {{ ratio("customers_lost", "customers_before") }} as monthly_churn_rate,
            cast({{ var("gross_margin") or "null" }} as {{ double_type() }}) as gross_margin,
            {{ var("lifetime_months_max") }} as lifetime_months_max
        from costed
    ),

    valued as (
        select
            shared.*,
            cast(revenue.value as {{ double_type() }}) as average_revenue_per_account,
            {{ ratio("shared.direct_cost + shared.shared_cost", "shared.new_customers") }}
            as customer_acquisition_cost,
            cast(
                case
                    when shared.monthly_churn_rate = 0
                    then shared.lifetime_months_max
                    when shared.monthly_churn_rate > 0
                    then least(1 / shared.monthly_churn_rate, shared.lifetime_months_max)
                end as {{ double_type() }}
            ) as lifetime_months
        from shared
        left join
            numbers as revenue
            on revenue.metric = 'average_revenue_per_account'
            and shared.period_grain = revenue.period_grain
            and coalesce(shared.period_start, date '0001-01-01')
            = coalesce(revenue.period_start, date '0001-01-01')
            and shared.dimension = revenue.dimension
            and shared.dimension_key = revenue.dimension_key
    ),

    worth as (
        select
            *,
            {{ ratio("customer_acquisition_cost", "new_mrr_per_customer * gross_margin") }}
            as cac_payback_months,
            average_revenue_per_account * gross_margin * lifetime_months as lifetime_value
        from valued
    ),

    final as (
        select
            cast(worth.period_grain as {{ dbt.type_string() }}) as period_grain,
            worth.period_start,
            cast(worth.dimension as {{ dbt.type_string() }}) as dimension,
            worth.dimension_key,
            coalesce(labels.dimension_label, worth.dimension_key) as dimension_label,
            cast(worth.new_customers as bigint) as new_customers,
            cast(worth.direct_cost as {{ numeric_type() }}) as direct_cost,
            worth.shared_cost,
            worth.customer_acquisition_cost,
            worth.new_mrr_per_customer,
            worth.cac_payback_months,
            worth.average_revenue_per_account,
            worth.gross_margin,
            worth.monthly_churn_rate,
            worth.lifetime_months_max,
            worth.lifetime_months,
            worth.lifetime_value,
            {{ ratio("worth.lifetime_value", "worth.customer_acquisition_cost") }}
            as lifetime_value_to_cost,
            case
                when worth.gross_margin is null
                then 'no_margin'
                when worth.new_customers = 0
                then 'no_new_customers'
                when worth.lifetime_value is null
                then 'no_recurring_revenue'
                when worth.customer_acquisition_cost = 0
                then 'no_costs'
            end as missing
        from worth
        left join
            {{ ref("int_dimension_labels") }} as labels
            on worth.dimension = labels.dimension
            and worth.dimension_key = labels.dimension_key
    )

select *
from final
