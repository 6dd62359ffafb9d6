{%- set cuts = ["rep", "team", "manager", "region", "segment"] -%}
-- The deals that are to cover a period, and, on the side of the denominator, the period's quota of
-- each cut, or what of it is still to be won. What is overdue, or due on no day, is excluded, and
-- counts in no period.
select
    variant,
    entity,
    entity_key,
    entity_id,
    'all' as company,
    {{ cuts | join(", ") }},
    case
        when exclusion_reason not in ('overdue', 'no_close_date') or exclusion_reason is null
        then period_start
    end as period_on,
    period_grain as counts_in,
    cast(null as {{ dbt.type_string() }}) as side,
    numerator,
    cast(null as {{ numeric_type() }}) as denominator,
    exclusion_reason
from {{ ref("int_pipeline_coverage__due") }}

{%- for variant, denominator, condition in [
        ("default", "quota - won", "is_current_or_coming"),
        ("total", "quota", "is_current_or_coming"),
        ("at_start", "quota", "has_begun"),
    ] %}

    union all

    select
        '{{ variant }}' as variant,
        'quota' as entity,
        cast(null as {{ dbt.type_string() }}) as entity_key,
        cast(null as {{ dbt.type_string() }}) as entity_id,
        {{ keys_of_cell(["company"] + cuts) }},
        period_start as period_on,
        period_grain as counts_in,
        'denominator' as side,
        cast(null as {{ numeric_type() }}) as numerator,
        {{ denominator }} as denominator,
        cast(null as {{ dbt.type_string() }}) as exclusion_reason
    from {{ ref("int_pipeline_coverage__periods") }}
    where has_quota and {{ condition }}
{%- endfor %}
