-- Leads as the funnel sees them: what became of each, when, and what its deal is worth. Of several
-- leads of one deal the first has its money.
with
    leads as (select * from {{ ref("int_leads__reached") }} where not is_deleted),

    lead_deals as (select * from {{ ref("int_lead_deals") }}),

    deals as (select * from {{ ref("fct_opportunities") }}),

    reps as (select rep_id, role from {{ ref("dim_rep") }}),

    joined as (
        select
            leads.lead_key,
            leads.created_at,
            {{ month_start(local_day("leads.created_at")) }} as cohort_month,
            leads.reached_by as channel,
            leads.campaign_key,
            leads.campaign_id,
            leads.{{ var("qualified_by") }} as qualified_at,
            leads.accepted_at,
            case
                when deals.removal is null then coalesce(deals.created_at, leads.converted_at)
            end as opportunity_at,
            case when deals.is_won then deals.closed_at end as won_at,
            coalesce(deals.closed_is_bare, false) as won_is_bare,
            case
                when deals.opportunity_key is null
                then leads.converted_at is not null
                else deals.removal is null
            end as has_opportunity,
            coalesce(deals.is_won, false) as is_won,
            case when deals.removal is null then deals.opportunity_key end as opportunity_key,
            deals.amount_native,
            deals.amount,
            -- A seller takes over from a sales development representative.
            coalesce(
                owners.role = 'sdr'
                and sellers.role <> 'sdr'
                and deals.removal is null
                and leads.owner_id <> deals.rep_id,
                false
            ) as is_handed_over
        from leads
        left join lead_deals on leads.lead_key = lead_deals.lead_key
        left join deals on lead_deals.opportunity_key = deals.opportunity_key
        left join reps as owners on leads.owner_id = owners.rep_id
        left join reps as sellers on deals.rep_id = sellers.rep_id
    ),

    final as (
        select
            *,
            case when is_handed_over then opportunity_at end as handed_over_at,
            coalesce(accepted_at, qualified_at, created_at) as let_go_at,
            opportunity_key is not null
            and row_number() over (partition by opportunity_key order by created_at, lead_key)
            = 1 as has_the_money
        from joined
    )

select *
from final
