{{ increment("clocked", of=["int_kpi_deals"], materialized="view") }}
-- A deal that closed before its cycle began has no cycle: its dates are wrong, not its length 0.
with
    cycles as (
        {%- for variant, days, statuses in [
            ("default", "days_from_contact_to_close", ["won"]),
            ("median", "days_from_contact_to_close", ["won"]),
            ("created", "days_from_creation_to_close", ["won"]),
            ("closed", "days_from_creation_to_close", ["won", "lost", "no_decision"]),
        ] %}
            select
                '{{ variant }}' as variant,
                {{ deal_member() }},
                closed_on as period_on,
                closed_exclusion,
                {{ days }} as days
            from {{ ref("int_kpi_deals") }}
            where status in ('{{ statuses | join("', '") }}') {{ 'union all' if not loop.last }}
        {%- endfor %}
    )

select
    variant,
    opportunity_key,
    entity,
    entity_key,
    entity_id,
    {{ deal_cuts() | join(", ") }},
    period_on,
    days as numerator,
    1 as denominator,
    case
        when closed_exclusion is not null
        then closed_exclusion
        when days is null
        then 'no_created_at'
        when days < 0
        then 'closed_before_contact'
    end as exclusion_reason
from cycles
