{{ config(meta={"dagster": {"ref": {"name": "mart_retention_cohorts"}}}) }}
-- A cohort begins with those who moved from no recurring revenue to some for the first time, and in
-- each month those of all cohorts who pay are all who pay then.
with
    cohorts as (select * from {{ ref("mart_retention_cohorts") }} where basis = 'subscriptions'),

    firsts as (
        select customer_key, min(month_start) as cohort_month
        from {{ ref("fct_mrr_movements") }}
        where movement in ('new', 'reactivation')
        group by customer_key
    ),

    counted as (
        select cohort_month as month_start, 'began' as what, sum(customers) as customers
        from cohorts
        where months_since = 0
        group by cohort_month

        union all

        select cohort_month as month_start, 'began' as what, - count(*) as customers
        from firsts
        group by cohort_month

        union all

        select month_start, 'pay' as what, sum(customers) as customers
        from cohorts
        group by month_start

        union all

        select month_start, 'pay' as what, - count(*) as customers
        from {{ ref("fct_mrr_monthly") }}
        group by month_start
    )

select month_start, what, sum(customers) as difference
from counted
group by month_start, what
having sum(customers) <> 0
