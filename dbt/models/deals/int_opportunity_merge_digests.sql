-- What the merge of a deal comes to, as text: it may come out differently for another deal's sake.
select
    opportunity_key,
    coalesce(merged_into_key, '')
    || '|'
    || coalesce(cast(merged_at as {{ dbt.type_string() }}), '')
    || '|'
    || coalesce(problem, '') as digest
from {{ ref("int_opportunity_merges") }}
