{{ increment("clocked", of=["fct_opportunities"]) }}
-- Deals as the metrics see them: the key of every cut, and why a closed deal does not count.
select
    opportunity_key,
    opportunity_id,
    source_instance,
    {{ or_none("rep_id") }} as rep,
    {{ or_none("team") }} as team,
    {{ or_none("manager_id") }} as manager,
    {{ or_none("region") }} as region,
    {{ or_none("segment") }} as segment,
    own_region,
    own_segment,
    {{ or_none("lead_source") }} as lead_source,
    {{ or_none("product") }} as product,
    {{ or_none("deal_type") }} as deal_type,
    {{ or_none("pipeline") }} as pipeline,
    {{ extra_of("opportunities", "deals", keyed=true) }}
    status,
    amount_native,
    amount,
    created_at,
    created_on,
    closed_on,
    days_from_contact_to_close,
    days_from_creation_to_close,
    removal,
    case
        when removal is not null then removal when closed_on is null then 'no_close_date'
    end as closed_exclusion
from {{ ref("fct_opportunities") }} as deals
