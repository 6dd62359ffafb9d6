{%- set grains = ["month", "quarter", "year"] -%}
{%- set measures = [
    "due",
    "due_deals",
    "due_without_amount",
    "due_unknown",
    "due_at_start",
    "due_at_start_deals",
    "due_at_start_without_amount",
    "due_at_start_unknown",
    "overdue",
    "overdue_deals",
    "undated",
    "undated_deals",
    "quota",
    "won",
] -%}
-- What is due in each period, now and when it began, beside its quota and what was won against it:
-- of the company and of each rep, team, manager, region and segment.
--
-- The quota is the one that quota_attainment resolves, and what is won is what counts against it
-- there; none, where no rate values a part of it. Deals that are due are those of all reps, also of
-- such as have no quota. What was due when a period began is a state of the past, and so is
-- what was due at a moment that is looked back at: NULL where too much of it is not known.
with
    members as (
        select
            *,
            coalesce(exclusion_reason, '') = 'overdue' as is_overdue,
            coalesce(exclusion_reason, '') = 'no_close_date' as is_undated
        from {{ ref("int_pipeline_coverage__due") }}
        where variant in ('total', 'at_start')
    ),

    quotas as (
        select
            *,
            count(case when exclusion_reason = 'no_rate' then 1 end) over (
                partition by period_grain, period_start, dimension, dimension_key
            ) as n_without_rate
        from {{ ref("int_quota_attainment__periods") }}
        where measure = 'revenue' and period_grain in ('{{ grains | join("', '") }}')
    ),

    attained as (
        select period_grain, period_start, dimension, dimension_key, quota, won
        from quotas
        where exclusion_reason is null and n_without_rate = 0
    ),

    of_members as (
        select
            period_grain,
            period_start,
            rep,
            team,
            manager,
            region,
            segment,
            {%- for variant, name in [("total", "due"), ("at_start", "due_at_start")] %}
                sum(
                    case
                        when variant = '{{ variant }}' and exclusion_reason is null then numerator
                    end
                ) as {{ name }},
                count(
                    case when variant = '{{ variant }}' and exclusion_reason is null then 1 end
                ) as {{ name }}_deals,
                count(
                    case
                        when variant = '{{ variant }}' and not is_overdue and not is_undated
                        then exclusion_reason
                    end
                ) as {{ name }}_without_amount,
                count(
                    case
                        when
                            variant = '{{ variant }}'
                            and exclusion_reason in {{ unknown_reasons() }}
                        then 1
                    end
                ) as {{ name }}_unknown,
            {%- endfor %}
            sum(case when is_overdue then numerator end) as overdue,
            count(case when is_overdue then 1 end) as overdue_deals,
            sum(case when is_undated then numerator end) as undated,
            count(case when is_undated then 1 end) as undated_deals,
            cast(null as {{ numeric_type() }}) as quota,
            cast(null as {{ numeric_type() }}) as won
        from members
        group by period_grain, period_start, rep, team, manager, region, segment
    ),

    united as (
        {%- for dimension in ["company", "rep", "team", "manager", "region", "segment"] %}
            select
                period_grain,
                period_start,
                '{{ dimension }}' as dimension,
                {{ "'all'" if dimension == "company" else dimension }} as dimension_key
                {%- for measure in measures %}, {{ measure }} {%- endfor %}
            from of_members

            union all
        {% endfor %}
        select
            period_grain,
            period_start,
            dimension,
            dimension_key
            {%- for measure in measures %}
                , {{ measure if measure in ["quota", "won"] else "null as " ~ measure }}
            {%- endfor %}
        from attained
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
            {%- for measure in measures if measure not in ["due", "due_at_start"] %}
                coalesce(sum({{ measure }}), 0) as {{ measure }},
            {%- endfor %}
            {%- for measure, is_past in [("due", is_look_back()), ("due_at_start", "true")] %}
                {%- set population = measure ~ "_deals + " ~ measure ~ "_without_amount" %}
                case
                    when
                        {{ is_past }}
                        and {{
                            is_too_unknown(
                                "sum(" ~ measure ~ "_unknown)", "sum(" ~ population ~ ")"
                            )
                        }}
                    then null
                    else coalesce(sum({{ measure }}), 0)
                end as {{ measure }},
            {%- endfor %}
            count(quota) > 0 as has_quota
        from united
        group by period_grain, period_start, dimension, dimension_key
    )

select *
from final
