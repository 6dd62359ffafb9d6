{%- set steps = {
    "to_qualified": ("created_at", "qualified_at"),
    "qualified_to_accepted": ("qualified_at", "accepted_at"),
    "accepted_to_opportunity": ("accepted_at", "opportunity_at"),
    "opportunity_to_won": ("opportunity_at", "won_at"),
    "to_won": ("created_at", "won_at"),
    "to_hand_over": ("let_go_at", "handed_over_at"),
} -%}
{%- set amounts = {"amount": "has_the_money", "amount_won": "has_the_money and is_won"} -%}
-- From lead to won deal, by cohort: what became of the leads created in a month, or ever.
with
    leads as (select * from {{ ref("int_lead_funnel") }}),

    timed as (
        select
            *,
            {{ or_none("leads.channel") }} as channel_key,
            {{ or_none("leads.campaign_id") }} as campaign
            {%- for name, (first, last) in steps.items() %}
                ,
                {{
                    days_between(
                        first, last, is_bare="won_is_bare" if last == "won_at" else "false"
                    )
                }} as days_{{ name }}
            {%- endfor %}
        from leads
    ),

    cells as (
        select
            cohort_month,
            case
                when grouping(channel_key) = 0
                then 'channel'
                when grouping(campaign) = 0
                then 'campaign'
                else 'company'
            end as dimension,
            coalesce(channel_key, campaign, 'all') as dimension_key,
            count(*) as leads,
            count(qualified_at) as qualified,
            count(case when qualified_at is not null then accepted_at end) as qualified_accepted,
            count(accepted_at) as accepted,
            count(
                case when accepted_at is not null and has_opportunity then 1 end
            ) as accepted_opportunities,
            count(case when has_opportunity then 1 end) as opportunities,
            count(case when is_won then 1 end) as won,
            count(case when is_won and qualified_at is not null then 1 end) as qualified_won,
            count(case when has_the_money then 1 end) as deals,
            count(
                case when has_the_money and amount_native is null then 1 end
            ) as deals_without_amount,
            {%- for name, condition in amounts.items() %}
                sum(case when {{ condition }} then amount end) as {{ name }},
                count(case when {{ condition }} then amount_native end) as {{ name }}s,
                count(
                    case when {{ condition }} and amount is null then amount_native end
                ) as {{ name }}s_without_rate,
            {%- endfor %}
            count(case when is_handed_over then 1 end) as handed_over
            {%- for name in steps %}
                ,
                {{ median("case when days_" ~ name ~ " >= 0 then days_" ~ name ~ " end") }}
                as median_days_{{ name }}
            {%- endfor %}
        from timed
        group by
            grouping sets (
                (),
                (channel_key),
                (campaign),
                (cohort_month),
                (cohort_month, channel_key),
                (cohort_month, campaign)
            )
        having count(*) > 0
    ),

    labels as (select * from {{ ref("int_dimension_labels") }})

select
    cells.cohort_month,
    cast(cells.dimension as {{ dbt.type_string() }}) as dimension,
    cast(cells.dimension_key as {{ dbt.type_string() }}) as dimension_key,
    cast(
        coalesce(labels.dimension_label, cells.dimension_key) as {{ dbt.type_string() }}
    ) as dimension_label,
    cast('{{ var("qualified_by") }}' as {{ dbt.type_string() }}) as qualified_by,
    cells.leads,
    cells.qualified,
    cells.accepted,
    cells.opportunities,
    cells.won,
    {{ ratio("cells.qualified", "cells.leads") }} as lead_to_qualified_rate,
    {{ ratio("cells.qualified_accepted", "cells.qualified") }} as qualified_to_accepted_rate,
    {{ ratio("cells.accepted_opportunities", "cells.accepted") }} as accepted_to_opportunity_rate,
    {{ ratio("cells.won", "cells.opportunities") }} as opportunity_to_won_rate,
    {{ ratio("cells.opportunities", "cells.leads") }} as lead_to_opportunity_rate,
    {{ ratio("cells.won", "cells.leads") }} as lead_to_won_rate,
    {{ ratio("cells.qualified_won", "cells.qualified") }} as qualified_to_won_rate,
    {%- for name in steps %} cells.median_days_{{ name }}, {%- endfor %}
    cells.handed_over,
    cells.deals,
    cells.deals_without_amount,
    cells.amounts_without_rate as deals_without_rate,
    {%- for name in amounts %}
        cast(
            {{
                known_money(
                    "cells." ~ name, "cells." ~ name ~ "s", "cells." ~ name ~ "s_without_rate"
                )
            }} as {{ numeric_type() }}
        ) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from cells
left join
    labels on cells.dimension = labels.dimension and cells.dimension_key = labels.dimension_key
