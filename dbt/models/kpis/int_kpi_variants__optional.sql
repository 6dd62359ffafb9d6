-- The optional variants of which a company has members.
select distinct members.metric, members.variant
from {{ ref("kpi_members") }} as members
inner join
    {{ ref("kpi_variants") }} as variants
    on members.metric = variants.metric
    and members.variant = variants.variant
where variants.is_optional
