-- Demos by label and month, and what became of them.
select
    label,
    {{ month_start(local_day("demo_at")) }} as month_start,
    count(*) as n_shown,
    count(case when is_won then 1 end) as n_won
from {{ ref("fct_opportunities") }}
where demo_at is not null and removal is null
group by label, {{ month_start(local_day("demo_at")) }}
