with
    leads as (select * from {{ ref("int_leads__unioned") }}),

    -- A lead's deal is in the lead's own source, or, where that has no deals, in any other.
    instances as (
        select distinct
            leads.source_instance as lead_instance, opportunities.source_instance as deal_instance
        from (select distinct source_instance from leads) as leads
        cross join
            (select distinct source_instance from {{ ref("fct_opportunities") }}) as opportunities
        where
            leads.source_instance = opportunities.source_instance
            or leads.source_instance
            not in (select source_instance from {{ ref("fct_opportunities") }})
    ),

    survivors as (select * from {{ ref("int_opportunity_survivors") }}),

    -- What became of a deal is what became of the one that it was merged into. One that was deleted
    -- never was.
    deals as (
        select
            instances.lead_instance,
            opportunities.opportunity_id,
            max(case when lives_on.is_won then 1 else 0 end) as won,
            max(case when lives_on.removal = 'deleted' then 0 else 1 end) as has_opportunity
        from {{ ref("fct_opportunities") }} as opportunities
        inner join instances on opportunities.source_instance = instances.deal_instance
        left join survivors on opportunities.opportunity_key = survivors.opportunity_key
        inner join
            {{ ref("fct_opportunities") }} as lives_on
            on coalesce(survivors.survivor_key, opportunities.opportunity_key)
            = lives_on.opportunity_key
        group by instances.lead_instance, opportunities.opportunity_id
    ),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    outcomes as (
        select
            leads.lead_key as entity_key,
            leads.source_id as entity_id,
            {{ or_none("leads.owner_id") }} as rep,
            {{ or_none("versions.team") }} as team,
            {{ or_none("versions.manager_id") }} as manager,
            {{ or_none("reps.region") }} as region,
            {{ or_none("reps.segment") }} as segment,
            {{ or_none("leads.channel") }} as channel,
            {{ or_none("leads.campaign_id") }} as campaign,
            {{ extra_cuts_of("leads", "leads") }}
            {{ local_day("leads.created_at") }} as created_on,
            leads.qualified_at is not null as is_qualified,
            coalesce(deals.won, 0) as won,
            coalesce(
                deals.has_opportunity, case when leads.converted_at is not null then 1 else 0 end
            ) as has_opportunity,
            case when leads.is_deleted then 'deleted' end as exclusion_reason
        from leads
        left join reps on leads.owner_id = reps.rep_id
        left join
            versions
            on leads.owner_id = versions.rep_id
            and {{ is_version_at("versions", "leads.created_at") }}
        left join
            deals
            on leads.source_instance = deals.lead_instance
            and leads.opportunity_id = deals.opportunity_id
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
