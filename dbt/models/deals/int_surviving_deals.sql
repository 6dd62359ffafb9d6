-- Every deal's id, and the deal of now that it means: itself, or the one that it was merged into.
select
    opportunities.source_instance,
    opportunities.opportunity_id,
    coalesce(survivors.survivor_key, opportunities.opportunity_key) as opportunity_key
from {{ ref("fct_opportunities") }} as opportunities
left join
    {{ ref("int_opportunity_survivors") }} as survivors
    on opportunities.opportunity_key = survivors.opportunity_key
