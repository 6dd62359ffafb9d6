-- The names of the keys that are ids.
select 'rep' as dimension, rep_id as dimension_key, rep_name as dimension_label
from {{ ref("dim_rep") }}

union all

select 'manager' as dimension, rep_id as dimension_key, rep_name as dimension_label
from {{ ref("dim_rep") }}

union all

select 'campaign' as dimension, source_id as dimension_key, min(name) as dimension_label
from {{ ref("int_campaigns__unioned") }}
group by source_id
