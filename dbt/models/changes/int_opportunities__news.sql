-- The deals of which anything is new since the last build: those whose rows are made of something
-- else, or of whose moments one has passed. All of them, where there was no last build.
select
    coalesce(inputs.opportunity_key, before.opportunity_key) as opportunity_key,
    coalesce(inputs.source_instance, before.source_instance) as source_instance,
    coalesce(inputs.source_id, before.source_id) as source_id
from {{ ref("int_opportunity_inputs") }} as inputs
full join build.last_opportunities as before on inputs.opportunity_key = before.opportunity_key
where inputs.digest is distinct from before.digest
