{{ differing_cells("int_pipeline_net_changes", {"happened_on": "happened_on"}) }}
-- The days on which something else happened to the pipeline than at the last build: in an
-- increment those of which int_pipeline_net_changes was written, else all that there are.
select distinct happened_on
from {{ ref("int_pipeline_net_changes") }}
