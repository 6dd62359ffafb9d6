-- What selling and marketing cost beside ad spend, by month and team, and what each cost is for, as
-- company.yml says of the team, else the words of its name, else its people; else it is for sales.
with
    costs as (select * from {{ ref("int_costs__unioned") }} where not is_deleted),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    teams as (
        select
            {{ as_word("team") }} as team_word,
            case
                when count(*) = count(case when role = 'marketing' then 1 end)
                then 'marketing'
                else 'sales'
            end as function
        from {{ ref("int_users__unioned") }}
        where not is_deleted and team is not null
        group by {{ as_word("team") }}
    ),

    told as (
        select
            costs.cost_key,
            costs.source_system,
            costs.source_instance,
            costs.source_id as cost_id,
            {{ month_start("costs.month") }} as month,
            costs.category,
            nullif(trim(costs.team), '') as team,
            cast(costs.amount as {{ numeric_type() }}) as amount_native,
            coalesce(costs.currency, '{{ var("currency") }}') as currency,
            {{ said_of("cost_teams", "costs.team") }} as said_function,
            {{ function_of_name("costs.team") }} as named_function,
            teams.function as peoples_function
        from costs
        left join teams on {{ as_word("costs.team") }} = teams.team_word
    ),

    priced as (
        select
            told.*,
            {{ reporting_amount("told.amount_native", fx_rate("told.currency", "rates")) }}
            as amount
        from told
        left join rates on told.currency = rates.currency and told.month = rates.date_day
    ),

    final as (
        select
            cost_key,
            source_system,
            source_instance,
            cost_id,
            month,
            category,
            team,
            case
                when team is not null
                then coalesce(said_function, named_function, peoples_function, 'sales')
                when category in ('events', 'agency')
                then 'marketing'
            end as function,
            case
                when team is null
                then case when category in ('events', 'agency') then 'category' end
                when said_function is not null
                then 'setting'
                when named_function is not null
                then 'name'
                when peoples_function is not null
                then 'people'
                else 'unknown'
            end as function_rule,
            amount_native,
            currency,
            amount,
            {{ amount_exclusion("amount_native", "amount") }} as exclusion_reason
        from priced
    )

select *
from final
