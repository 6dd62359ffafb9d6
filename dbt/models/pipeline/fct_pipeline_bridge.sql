{#- What of a period may not be known where close dates have no history. -#}
{%- set parts = ["opening", "steps", "closing"] -%}
-- How the pipeline came from what it was to what it is: opening and closing, which are read off the
-- deals' states at the two moments, and the movements between, which are added up from the changes.
-- Nothing is a remainder: a test holds that every row balances. What no rate values is NULL in the
-- company's currency, and the row says how often; the rows in native currencies have it. What was
-- due is NULL where nobody knows what was expected then.
with
    at_month_end as (
        select
            month_start,
            cast({{ dbt.dateadd("month", 1, "month_start") }} as date) as next_month,
            due_month,
            rep,
            currency,
            {{ whole_sum("case when amount_native is null then 0 else amount end") }} as amount,
            count(amount_native) - count(amount) as n_without_rate,
            sum(coalesce(amount_native, 0)) as amount_native
        from {{ ref("int_pipeline_at_month_end") }}
        group by month_start, due_month, rep, currency
    ),

    months as (select month_start from {{ ref("int_pipeline_months") }}),

    between_moments as (
        select
            scope,
            period_grain,
            period_start,
            rep,
            currency,
            movement as entry,
            amount,
            n_without_rate,
            amount_native
        from {{ ref("int_pipeline_movements") }}

        union all

        select
            scope,
            period_grain,
            period_start,
            rep,
            currency,
            'currency' as entry,
            amount,
            n_without_rate,
            0 as amount_native
        from {{ ref("int_pipeline_revaluations") }}
    ),

    entries as (
        select
            scope,
            period_grain,
            period_start,
            rep,
            currency,
            entry,
            amount,
            n_without_rate,
            amount_native,
            0 as n_without_history
        from between_moments

        union all

        select
            scope,
            'quarter' as period_grain,
            {{ fiscal_period_start("period_start", "quarter") }} as period_start,
            rep,
            currency,
            entry,
            amount,
            n_without_rate,
            amount_native,
            0 as n_without_history
        from between_moments
        where scope = 'open' and period_grain = 'month'

        {%- for scope in ["open", "due"] %}
            {%- for grain in ["month", "quarter"] %}

                union all

                select
                    '{{ scope }}' as scope,
                    '{{ grain }}' as period_grain,
                    next_month as period_start,
                    rep,
                    currency,
                    'opening' as entry,
                    amount,
                    n_without_rate,
                    amount_native,
                    0 as n_without_history
                from at_month_end
                where
                    next_month = {{ fiscal_period_start("next_month", grain) }}
                    and next_month <= {{ current_month() }}
                    and {{ in_book(scope, grain, "due_month", "next_month") }}

                union all

                select
                    '{{ scope }}' as scope,
                    '{{ grain }}' as period_grain,
                    {{ fiscal_period_start("month_start", grain) }} as period_start,
                    rep,
                    currency,
                    'closing' as entry,
                    amount,
                    n_without_rate,
                    amount_native,
                    0 as n_without_history
                from at_month_end
                where
                    {{ kpi_month_counts("month_start", grain, true) }}
                    and {{ in_book(scope, grain, "due_month", "month_start") }}
            {%- endfor %}
        {%- endfor %}

        union all

        select
            'due' as scope,
            period_grain,
            period_start,
            rep,
            currency,
            'unknown_' || part as entry,
            0 as amount,
            0 as n_without_rate,
            0 as amount_native,
            n_without_history
        from {{ ref("int_due_dates_unknown") }}
    ),

    summed as (
        {%- for basis, amount in [("reporting", "amount"), ("native", "amount_native")] %}
            {%- for dimension, key in [("company", "'all'"), ("rep", "rep")] %}
                select
                    scope,
                    period_grain,
                    period_start,
                    '{{ dimension }}' as dimension,
                    {{ key }} as dimension_key,
                    '{{ basis }}' as basis,
                    {{ "currency" if basis == "native" else "'" ~ var("currency") ~ "'" }}
                    as currency_code,
                    {%- for entry in bridge_entries() %}
                        {{
                            whole_sum(
                                "case when entry= '" ~ entry ~ "' then " ~ amount ~ " else 0 end"
                            )
                        }} as {{ entry }},
                    {%- endfor %}
                    {%- for part in parts %}
                        sum(
                            case when entry = 'unknown_{{ part }}' then n_without_history else 0 end
                        ) as unknown_{{ part }},
                    {%- endfor %}
                    {{ "sum(n_without_rate)" if basis == "reporting" else "0" }} as n_without_rate
                from entries
                group by
                    scope,
                    period_grain,
                    period_start
                    {{- ', rep' if dimension == 'rep' }}{{ ', currency' if basis == 'native' }}

                union all
            {% endfor %}
        {%- endfor %}
        {#- The company has every period, also those in which nothing was open and nothing moved. #}
        select distinct
            scopes.scope,
            grains.period_grain,
            case
                grains.period_grain
                when 'month'
                then months.month_start
                else {{ fiscal_period_start("months.month_start", "quarter") }}
            end as period_start,
            'company' as dimension,
            'all' as dimension_key,
            'reporting' as basis,
            '{{ var("currency") }}' as currency_code,
            {%- for entry in bridge_entries() %} 0 as {{ entry }}, {%- endfor %}
            {%- for part in parts %} 0 as unknown_{{ part }}, {%- endfor %}
            0 as n_without_rate
        from months
        cross join
            (
                select 'open' as scope
                union all
                select 'due' as scope
            ) as scopes
        cross join
            (
                select 'month' as period_grain
                union all
                select 'quarter' as period_grain
            ) as grains
    ),

    final as (
        select
            summed.scope,
            summed.period_grain,
            summed.period_start,
            summed.dimension,
            summed.dimension_key,
            coalesce(max(labels.dimension_label), summed.dimension_key) as dimension_label,
            summed.basis,
            summed.currency_code,
            {%- for entry in bridge_entries() %}
                {%- set unknown = {
                    "opening": "unknown_opening",
                    "closing": "unknown_closing",
                }.get(entry, "unknown_opening + unknown_steps") %}
                cast(
                    case
                        when sum({{ unknown }}) = 0 then {{ whole_sum("summed." ~ entry) }}
                    end as {{ numeric_type() }}
                ) as {{ entry }},
            {%- endfor %}
            cast(sum(summed.n_without_rate) as bigint) as n_without_rate,
            cast(
                sum(unknown_opening + unknown_steps + unknown_closing) as bigint
            ) as n_without_history
        from summed
        left join
            {{ ref("int_dimension_labels") }} as labels
            on summed.dimension = labels.dimension
            and summed.dimension_key = labels.dimension_key
        group by
            summed.scope,
            summed.period_grain,
            summed.period_start,
            summed.dimension,
            summed.dimension_key,
            summed.basis,
            summed.currency_code
    )

select *
from final
