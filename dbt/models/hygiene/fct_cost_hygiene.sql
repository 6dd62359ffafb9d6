{#- A cost comes monthly where it did so in these months, up to its own. -#}
{%- set usual_months = 3 -%}
{%- set of_kind = "partition by source_instance, team, category order by month" -%}
-- One row per cost that is not deleted, one column per rule: true where the cost breaks it, NULL
-- where the rule does not apply to it.
with
    costs as (select * from {{ ref("fct_costs") }}),

    kinds as (select distinct source_instance, team, category, month from costs),

    months as (
        select
            *,
            lag(month, {{ usual_months - 1 }}) over ({{ of_kind }}) as monthly_since,
            lead(month) over ({{ of_kind }}) as next_told
        from kinds
    ),

    given as ({{ given_columns("costs", ["team"]) }}),

    final as (
        select
            costs.cost_key,
            costs.source_instance,
            costs.cost_id as source_id,
            costs.amount as amount_at_stake,
            case
                when given.team then costs.team is null and costs.function is null
            end as team_missing,
            case
                when costs.team is not null then costs.function_rule = 'unknown'
            end as team_unknown,
            case
                when
                    {{ dbt.dateadd("month", usual_months - 1, "months.monthly_since") }}
                    = months.month
                    and {{ dbt.dateadd("month", 1, "months.month") }} < {{ current_month() }}
                then
                    coalesce(months.next_told > {{ dbt.dateadd("month", 1, "months.month") }}, true)
            end as next_month_missing
        from costs
        left join given on costs.source_instance = given.source_instance
        left join
            months
            on costs.source_instance = months.source_instance
            and costs.category = months.category
            and costs.month = months.month
            and costs.team is not distinct from months.team
    )

select *
from final
