-- One row per cost that is not deleted, one column per rule: true where the cost breaks it, NULL
-- where the rule does not apply to it.
with
    costs as (select * from {{ ref("fct_costs") }}),

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
            end as team_unknown
        from costs
        left join given on costs.source_instance = given.source_instance
    )

select *
from final
