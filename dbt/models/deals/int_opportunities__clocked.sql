-- The deals whose rows may be others than at the last build: those with news, those that had not
-- closed, removed ones included, or not long ago, since the clock goes on for them, and those whose
-- merge came out differently, for another deal's sake.
with before as (select * from build.last_opportunities)

select opportunity_key, source_instance, source_id
from {{ ref("int_opportunities__news") }}

union

select before.opportunity_key, before.source_instance, before.source_id
from before
left join
    {{ ref("int_opportunity_merge_digests") }} as merges
    on before.opportunity_key = merges.opportunity_key
where not before.is_settled or before.merge is distinct from merges.digest
