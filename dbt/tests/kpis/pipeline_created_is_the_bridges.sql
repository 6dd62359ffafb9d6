{{ config(meta={"dagster": {"ref": {"name": "kpi_values"}}}) }}
-- What deals were worth as they were created is what the bridge saw come in, month by month: read
-- off the deals' first states on one side, replayed from their changes on the other. A deal of
-- which nobody knows since when it is open comes into the bridge now, and is in no month of the
-- metric.
with
    bridge as (
        select period_start, created
        from {{ ref("fct_pipeline_bridge") }}
        where
            scope = 'open'
            and period_grain = 'month'
            and dimension = 'company'
            and basis = 'reporting'
    ),

    created as (
        select period_start, value
        from {{ ref("kpi_values") }}
        where
            metric = 'pipeline_created'
            and variant = 'as_created'
            and period_grain = 'month'
            and dimension = 'company'
    ),

    undated as (
        select count(*) as deals from {{ ref("int_opportunity_states") }} where valid_from is null
    )

select bridge.period_start, bridge.created as bridge_created, created.value as as_created
from bridge
cross join undated
left join created on bridge.period_start = created.period_start
where
    (bridge.period_start < {{ current_month() }} or undated.deals = 0)
    and abs(bridge.created - coalesce(created.value, 0)) >= 0.005
