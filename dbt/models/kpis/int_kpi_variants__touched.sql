{%- set products = kpi_variants() | selectattr("kind", "eq", "product") | list -%}
-- The variants that have a touched cell, products of which a factor has one, and all factors of
-- these.
with
    of_cells as (select distinct metric, variant from {{ ref("int_kpi_cells__touched") }}),

    factors as (
        {%- for product in products %}
            {%- set of_product = loop.last %}
            {%- for factor in product.of %}
                select
                    '{{ product.metric }}' as metric,
                    '{{ product.variant }}' as variant,
                    '{{ factor }}' as factor
                    {{ 'union all' if not (of_product and loop.last) }}
            {%- endfor %}
        {%- else %}select metric, variant, metric as factor from of_cells where false
        {%- endfor %}
    ),

    products as (
        select factors.metric, factors.variant
        from factors
        inner join of_cells on factors.factor = of_cells.metric and of_cells.variant = 'default'

        union

        select factors.metric, factors.variant
        from factors
        inner join
            of_cells on factors.metric = of_cells.metric and factors.variant = of_cells.variant
    ),

    their_factors as (
        select factors.factor as metric, 'default' as variant
        from factors
        inner join
            products on factors.metric = products.metric and factors.variant = products.variant
    )

select metric, variant
from of_cells

union

select metric, variant
from products

union

select metric, variant
from their_factors
