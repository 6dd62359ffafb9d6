{{ config(meta={"dagster": {"ref": {"name": "mart_activity_quality"}}}) }}
-- What people did, month by month, is activities', person by person.
with
    quality as (
        select rep_id, month_start, sum(activities) as activities
        from {{ ref("mart_activity_quality") }}
        group by rep_id, month_start
    ),

    counted as (
        select dimension_key as rep_id, period_start as month_start, value as activities
        from {{ ref("kpi_values") }}
        where
            metric = 'activities'
            and variant = 'default'
            and period_grain = 'month'
            and dimension = 'rep'
            and dimension_key <> '(none)'
            and n_included > 0
    )

select *
from quality
full outer join
    counted on quality.rep_id = counted.rep_id and quality.month_start = counted.month_start
where quality.activities is distinct from counted.activities
