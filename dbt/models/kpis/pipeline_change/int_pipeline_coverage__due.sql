{%- set grains = ["month", "quarter", "year"] -%}
-- One row per variant, period and deal that is to cover it: open, with a close date in the period.
-- What is overdue, or has no close date, is due in none: it is excluded beside the current period.
-- `default` and `total` look at the deals of now and at the current and coming periods, `at_start`
-- at each period that has begun and the deals as they were when it did; where nobody knows what was
-- expected then, any open deal may have been due: it is excluded. Region and segment are the
-- owner's, whose quota it is.
with
    deals as (
        select opportunity_key, opportunity_id, source_instance from {{ ref("fct_opportunities") }}
    ),

    histories as (select * from {{ ref("int_field_histories") }} where field = 'close_date'),

    at_month_end as (
        select
            at_month_end.*,
            cast({{ dbt.dateadd("month", 1, "at_month_end.month_start") }} as date) as next_month,
            deals.opportunity_id,
            coalesce(histories.known_from <= at_month_end.ends_at, false) as is_known
        from {{ ref("int_pipeline_at_month_end") }} as at_month_end
        inner join deals on at_month_end.opportunity_key = deals.opportunity_key
        left join histories on deals.source_instance = histories.source_instance
    ),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    due as (
        {%- for grain in grains %}
            {%- for variant in ["default", "total"] %}
                select
                    '{{ variant }}' as variant,
                    '{{ grain }}' as period_grain,
                    case
                        when close_date >= {{ as_of_day() }}
                        then {{ fiscal_period_start("due_month", grain) }}
                        else {{ fiscal_period_start(current_month(), grain) }}
                    end as period_start,
                    {{ as_of_day() }} as state_on,
                    opportunity_key,
                    opportunity_id,
                    rep,
                    amount_native,
                    amount,
                    true as is_known,
                    case
                        when close_date is null
                        then 'no_close_date'
                        when close_date < {{ as_of_day() }}
                        then 'overdue'
                    end as standing
                from at_month_end
                where month_start = {{ current_month() }}

                union all
            {% endfor %}
            select
                'at_start' as variant,
                '{{ grain }}' as period_grain,
                next_month as period_start,
                cast({{ dbt.dateadd("day", -1, "next_month") }} as date) as state_on,
                opportunity_key,
                opportunity_id,
                rep,
                amount_native,
                next_amount as amount,
                is_known,
                null as standing
            from at_month_end
            where
                next_month <= {{ current_month() }}
                and next_month = {{ fiscal_period_start("next_month", grain) }}
                and (not is_known or {{ fiscal_period_start("due_month", grain) }} = next_month)

                {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    final as (
        select
            due.variant,
            'opportunity' as entity,
            due.opportunity_key as entity_key,
            due.opportunity_id as entity_id,
            due.rep,
            {{ or_none("versions.team") }} as team,
            {{ or_none("versions.manager_id") }} as manager,
            {{ or_none("reps.region") }} as region,
            {{ or_none("reps.segment") }} as segment,
            due.period_grain,
            due.period_start,
            due.amount as numerator,
            coalesce(
                due.standing,
                case
                    when due.is_known
                    then {{ amount_exclusion("due.amount_native", "due.amount") }}
                    else 'no_history'
                end
            ) as exclusion_reason
        from due
        left join reps on due.rep = reps.rep_id
        left join
            versions
            on due.rep = versions.rep_id
            and {{ is_version_on("versions", "due.state_on") }}
    )

select *
from final
