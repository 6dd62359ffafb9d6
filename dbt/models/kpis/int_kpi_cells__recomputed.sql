-- The cells to recompute: those touched, and of an optional variant all: its first member brings
-- all empty months with it, and its last one takes them away.
with
    touched as (select * from {{ ref("int_kpi_cells__touched") }}),

    optional_variants as (
        select distinct touched.metric, touched.variant
        from touched
        inner join
            {{ ref("kpi_variants") }} as variants
            on touched.metric = variants.metric
            and touched.variant = variants.variant
        where variants.is_optional
    ),

    members as (
        select
            {%- for name, column in kpi_cell(month_start("period_on")).items() %}
                {{ column }} as {{ name }} {{- "," if not loop.last }}
            {%- endfor %}
        from {{ ref("kpi_members") }}
    )

select metric, variant, month_start
from touched

union

select members.metric, members.variant, members.month_start
from members
inner join
    optional_variants
    on members.metric = optional_variants.metric
    and members.variant = optional_variants.variant

union

select optional_variants.metric, optional_variants.variant, months.month_start
from optional_variants
cross join {{ ref("int_pipeline_months") }} as months
