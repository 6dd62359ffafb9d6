{%- set grains = ["month", "quarter", "year"] -%}
{%- set measures = [
    "due",
    "due_deals",
    "due_without_amount",
    "due_at_start",
    "due_at_start_deals",
    "due_at_start_without_amount",
    "due_at_start_unknown",
    "quota",
    "won",
] -%}
-- What is due in each period, now and when it began, beside its quota and what was won in it: of
-- the company and of each rep, team, manager, region and segment.
--
-- What was due when a period began is a state of the past: NULL where too much of it is not known.
--
-- A team's or the company's own quota goes before the sum of its reps' quotas. Deals and revenue
-- are those of all reps, also of such as have no quota.
with
    members as (
        select *
        from {{ ref("int_pipeline_coverage__members") }}
        where variant in ('total', 'at_start')
    ),

    quotas as (select * from {{ ref("int_quotas__monthly") }} where measure = 'revenue'),

    reps as (select * from {{ ref("dim_rep") }}),

    quotas_by_period as (
        {%- for grain in grains %}
            select
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start,
                target,
                target_key,
                sum(amount) as quota
            from quotas
            group by
                {{ fiscal_period_start("month_start", grain) }},
                target,
                target_key
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    by_rep as (
        select
            period_grain,
            period_start,
            rep,
            sum(case when variant = 'total' and exclusion_reason is null then numerator end) as due,
            count(case when variant = 'total' and exclusion_reason is null then 1 end) as due_deals,
            count(case when variant = 'total' then exclusion_reason end) as due_without_amount,
            sum(
                case when variant = 'at_start' and exclusion_reason is null then numerator end
            ) as due_at_start,
            count(
                case when variant = 'at_start' and exclusion_reason is null then 1 end
            ) as due_at_start_deals,
            count(
                case when variant = 'at_start' then exclusion_reason end
            ) as due_at_start_without_amount,
            count(
                case
                    when variant = 'at_start' and exclusion_reason in {{ unknown_reasons() }} then 1
                end
            ) as due_at_start_unknown,
            cast(null as {{ numeric_type() }}) as quota,
            cast(null as {{ numeric_type() }}) as won
        from members
        group by period_grain, period_start, rep

        union all

        select
            period_grain,
            period_start,
            target_key as rep,
            null as due,
            0 as due_deals,
            0 as due_without_amount,
            null as due_at_start,
            0 as due_at_start_deals,
            0 as due_at_start_without_amount,
            0 as due_at_start_unknown,
            quota,
            cast(null as {{ numeric_type() }}) as won
        from quotas_by_period
        where target = 'rep'

        union all

        select
            period_grain,
            period_start,
            dimension_key as rep,
            null as due,
            0 as due_deals,
            0 as due_without_amount,
            null as due_at_start,
            0 as due_at_start_deals,
            0 as due_at_start_without_amount,
            0 as due_at_start_unknown,
            null as quota,
            numerator as won
        from {{ ref("kpi_revenue_won") }}
        where dimension = 'rep' and period_grain in ('{{ grains | join("', '") }}')
    ),

    attributed as (
        select
            by_rep.*,
            {{ or_none("reps.team") }} as team,
            {{ or_none("reps.manager_id") }} as manager,
            {{ or_none("reps.region") }} as region,
            {{ or_none("reps.segment") }} as segment
        from by_rep
        left join reps on by_rep.rep = reps.rep_id
    ),

    united as (
        {%- for dimension in ["company", "rep", "team", "manager", "region", "segment"] %}
            select
                period_grain,
                period_start,
                '{{ dimension }}' as dimension,
                {{ "'all'" if dimension == "company" else dimension }} as dimension_key,
                {%- for measure in measures %} {{ measure }}, {%- endfor %}
                cast(null as {{ numeric_type() }}) as own_quota
            from attributed

            union all
        {% endfor %}
        select
            period_grain,
            period_start,
            target as dimension,
            target_key as dimension_key,
            {%- for measure in measures %} null as {{ measure }}, {%- endfor %}
            quota as own_quota
        from quotas_by_period
        where target in ('company', 'team')
    ),

    final as (
        select
            period_grain,
            period_start,
            period_start <= {{ current_month() }} as has_begun,
            period_start >= case
                period_grain
                {%- for grain in grains %}
                    when '{{ grain }}' then {{ fiscal_period_start(current_month(), grain) }}
                {%- endfor %}
            end as is_current_or_coming,
            dimension,
            dimension_key,
            {%- for measure in measures if measure not in ['quota', 'due_at_start'] %}
                coalesce(sum({{ measure }}), 0) as {{ measure }},
            {%- endfor %}
            case
                when
                    not {{
                        is_too_unknown(
                            "sum(due_at_start_unknown)",
                            "sum(due_at_start_deals) + sum(due_at_start_without_amount)",
                        )
                    }}
                then coalesce(sum(due_at_start), 0)
            end as due_at_start,
            coalesce(sum(own_quota), sum(quota), 0) as quota,
            count(quota) + count(own_quota) > 0 as has_quota
        from united
        group by period_grain, period_start, dimension, dimension_key
    )

select *
from final
