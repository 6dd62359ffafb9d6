-- The stages of deals, by what HubSpot calls them in histories.
select source_instance, stage_id, label, pipeline_id, pipeline
from ({{ hubspot_stages() }}) as stages
where object = 'deals'
