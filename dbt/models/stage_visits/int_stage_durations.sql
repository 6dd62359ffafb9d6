-- How long stays in each open stage lasted that have ended, of deals that count: the measure for
-- the stays that go on.
select
    source_instance,
    {{ or_none("pipeline") }} as pipeline,
    stage,
    count(*) as stays_ended,
    min(entered_at) as first_entered_at,
    {{ median("days") }} as median_days,
    {{ quantile("days", 0.75) }} as p75_days,
    {{ quantile("days", 0.9) }} as p90_days
from {{ ref("fct_stage_visits") }}
where
    status = 'open'
    and not is_skipped
    and is_entry_known
    and removal is null
    and exited_at is not null
    and days is not null
group by source_instance, {{ or_none("pipeline") }}, stage
