{{ config(meta={"dagster": {"ref": {"name": "fct_attribution"}}}) }}
-- By each model, the touches of a won deal share it, and its amount, whole.
select
    attribution.opportunity_key,
    attribution.model,
    sum(attribution.weight) as weight,
    sum(attribution.amount) as amount
from {{ ref("fct_attribution") }} as attribution
inner join
    {{ ref("fct_opportunities") }} as opportunities
    on attribution.opportunity_key = opportunities.opportunity_key
group by attribution.opportunity_key, attribution.model, opportunities.amount
having sum(attribution.weight) <> 1 or sum(attribution.amount) <> opportunities.amount
