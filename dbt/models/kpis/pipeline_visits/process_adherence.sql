{{ increment("clocked", of=["int_stage_visits", "int_kpi_deals"], materialized="view") }}
-- Closed deals: whether they passed every open stage of their pipeline, in order, and closed once.
-- A move among stages of one outcome is no closing. Of a deal that nothing tells to have been open
-- nobody knows its way.
with
    stays as (select * from {{ ref("int_stage_visits") }}),

    deals as (
        select * from {{ ref("int_kpi_deals") }} where status in ('won', 'lost', 'no_decision')
    ),

    paths as (
        select
            opportunity_key,
            count(
                distinct case when status = 'open' and is_step then stage_order end
            ) as steps_passed,
            max(open_steps) as open_steps,
            count(distinct path) as pipelines,
            count(
                case
                    when ended_as in ('won', 'lost', 'no_decision') and ended_as <> status then 1
                end
            ) as closings,
            count(case when ended_as in ('regressed', 'reopened') then 1 end) as moves_back,
            max(case when stage is null or not is_entry_known then 1 else 0 end) = 0
            and count(case when status = 'open' then 1 end) > 0 as is_known
        from stays
        group by opportunity_key
    ),

    judged as (
        select
            deals.opportunity_key,
            deals.opportunity_id,
            {%- for cut in deal_cuts() %} deals.{{ cut }}, {%- endfor %}
            deals.status,
            deals.closed_on,
            case
                when
                    paths.steps_passed = paths.open_steps
                    and paths.pipelines = 1
                    and paths.closings = 1
                    and paths.moves_back = 0
                then 1
                else 0
            end as adheres,
            coalesce(
                deals.closed_exclusion, case when not paths.is_known then 'no_history' end
            ) as exclusion_reason
        from deals
        inner join paths on deals.opportunity_key = paths.opportunity_key
    )

{%- for variant, statuses in [("default", ["won", "lost", "no_decision"]), ("won", ["won"])] %}

    select
        '{{ variant }}' as variant,
        {{ deal_member() }},
        closed_on as period_on,
        adheres as numerator,
        1 as denominator,
        exclusion_reason
    from judged
    where status in ('{{ statuses | join("', '") }}') {{ 'union all' if not loop.last }}
{%- endfor %}
