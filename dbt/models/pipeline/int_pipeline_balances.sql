{{ config(materialized="view") }}
-- The open pipeline of a rep, source, pipeline, stage and currency from day to day: the sum of all
-- that came in and went out until then, and up to when it stayed so. What is open is so until now.
select
    happened_on as first_day,
    coalesce(
        cast({{ dbt.dateadd("day", -1, "lead(happened_on) over in_order") }} as date),
        {{ as_of_day() }}
    ) as last_day,
    rep,
    source_instance,
    pipeline,
    stage,
    currency,
    sum(deals) over in_order as deals,
    sum(amount) over in_order as amount
from {{ ref("int_pipeline_net_changes") }}
window
    in_order as (partition by rep, source_instance, pipeline, stage, currency order by happened_on)
