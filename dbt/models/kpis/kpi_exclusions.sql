-- What each metric leaves out, and why: included + excluded = population.
select distinct
    members.metric,
    members.variant,
    members.entity,
    members.entity_key,
    members.entity_id,
    members.exclusion_reason as reason,
    case when variants.is_excluded_by_period then members.counts_in end as period_grain,
    case when variants.is_excluded_by_period then members.period_on end as period_start
from {{ ref("kpi_members") }} as members
inner join
    {{ ref("kpi_variants") }} as variants
    on members.metric = variants.metric
    and members.variant = variants.variant
where
    members.exclusion_reason is not null
    and members.side is null
    and members.company is not null
    and members.entity_key is not null
