with
    leads as (select * from {{ ref("int_leads__reached") }}),

    lead_deals as (select * from {{ ref("int_lead_deals") }}),

    deals as (select * from {{ ref("fct_opportunities") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    outcomes as (
        select
            {{ lead_keys() }},
            leads.qualified_at is not null as is_qualified,
            case when deals.is_won then 1 else 0 end as won,
            -- A deal that was deleted never was.
            case
                when deals.removal is not null
                then 0
                when deals.opportunity_key is not null or leads.converted_at is not null
                then 1
                else 0
            end as has_opportunity,
            case when leads.is_deleted then 'deleted' end as exclusion_reason
        from leads {{ owners_of_leads() }}
        left join lead_deals on leads.lead_key = lead_deals.lead_key
        left join deals on lead_deals.opportunity_key = deals.opportunity_key
    )

{%- for variant, outcome, condition in [
        ("default", "won", "true"),
        ("qualified", "won", "is_qualified"),
        ("to_opportunity", "has_opportunity", "true"),
    ] %}

    select
        '{{ variant }}' as variant,
        'lead' as entity,
        entity_key,
        entity_id,
        {{ lead_cuts() | join(", ") }},
        created_on as period_on,
        {{ outcome }} as numerator,
        1 as denominator,
        exclusion_reason
    from outcomes
    where {{ condition }} {{ 'union all' if not loop.last }}
{%- endfor %}
