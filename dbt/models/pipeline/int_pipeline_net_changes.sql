-- By how much each day changed the open pipeline of a rep, source, pipeline, stage and currency:
-- what came in less what went out. Days on which they come to nothing have no row.
with
    steps as (select * from {{ ref("int_pipeline_steps") }}),

    changes as (
        select
            happened_on,
            rep,
            source_instance,
            pipeline,
            stage,
            currency,
            1 as deals,
            coalesce(amount, 0) as amount
        from steps
        where is_open

        union all

        select
            happened_on,
            rep_before as rep,
            source_instance,
            pipeline_before as pipeline,
            stage_before as stage,
            currency_before as currency,
            -1 as deals,
            - coalesce(amount_before, 0) as amount
        from steps
        where was_open
    )

select
    happened_on,
    rep,
    source_instance,
    {{ or_none("pipeline") }} as pipeline,
    {{ or_none("stage") }} as stage,
    currency,
    cast(sum(deals) as bigint) as deals,
    sum(amount) as amount
from changes
group by
    happened_on, rep, source_instance, {{ or_none("pipeline") }}, {{ or_none("stage") }}, currency
having sum(deals) <> 0 or sum(amount) <> 0
