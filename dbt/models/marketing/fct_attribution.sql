-- What each touch of a won deal is credited with, by each model: the touches up to the closing
-- share the deal's amount to the cent.
with
    won as (
        select opportunity_key, closed_at, closed_on, amount
        from {{ ref("fct_opportunities") }}
        where is_won and closed_at is not null and amount is not null
    ),

    touches as (select * from {{ ref("fct_touches") }}),

    in_order as (
        select
            won.opportunity_key,
            touches.touch_key,
            won.closed_at,
            won.closed_on,
            won.amount as deal_amount,
            touches.channel,
            touches.campaign_key,
            touches.campaign_id,
            row_number() over (
                partition by won.opportunity_key
                order by touches.occurred_at, {{ by_bytes("touches.touch_id") }}, touches.touch_key
            ) as nth,
            count(*) over (partition by won.opportunity_key) as n
        from won
        inner join
            touches
            on won.opportunity_key = touches.opportunity_key
            and won.closed_at >= touches.occurred_at
    ),

    shared as (
        {%- for model in attribution_models() %}
            select
                in_order.*,
                '{{ model }}' as model,
                {{ attributed_share(model, "nth", "n") }} as share_with,
                {{ attributed_share(model, "(nth - 1)", "n") }} as share_before
            from in_order {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    final as (
        select
            opportunity_key,
            touch_key,
            cast(model as {{ dbt.type_string() }}) as model,
            nth as touch_number,
            n as touches,
            cast(share_with - share_before as {{ share_type() }}) as weight,
            cast(
                {{ reporting_amount("deal_amount", "share_with") }}
                - {{ reporting_amount("deal_amount", "share_before") }} as {{ numeric_type() }}
            ) as amount,
            channel,
            campaign_key,
            campaign_id,
            closed_at,
            closed_on
        from shared
    )

select *
from final
