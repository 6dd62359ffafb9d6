-- Where nobody knows what a bridge of what is due consists of: by period, rep and currency,
-- how many deals that were open when it began or ended, and steps between, are of a time of which
-- the source has no history of close dates. Any of them may have been due.
with
    deals as (select opportunity_key, source_instance from {{ ref("int_opportunities__current") }}),

    histories as (select * from {{ ref("int_field_histories") }} where field = 'close_date'),

    dated as (
        select
            deals.opportunity_key, coalesce(histories.known_from, {{ end_of_time() }}) as known_from
        from deals
        left join histories on deals.source_instance = histories.source_instance
    ),

    -- What is due now the records say, but what was when a run looks back.
    at_month_end as (
        select
            at_month_end.month_start,
            cast({{ dbt.dateadd("month", 1, "at_month_end.month_start") }} as date) as next_month,
            at_month_end.rep,
            at_month_end.currency
        from {{ ref("int_pipeline_at_month_end") }} as at_month_end
        inner join
            dated
            on at_month_end.opportunity_key = dated.opportunity_key
            and at_month_end.ends_at < dated.known_from
        where at_month_end.month_start < {{ current_month() }} or {{ is_look_back() }}
    ),

    steps as (
        select
            {{ month_start("steps.happened_on") }} as month_start,
            steps.was_open,
            steps.rep_before,
            steps.currency_before,
            steps.rep,
            steps.currency
        from {{ ref("int_pipeline_steps") }} as steps
        inner join
            dated
            on steps.opportunity_key = dated.opportunity_key
            and steps.happened_at < dated.known_from
        where steps.is_movement
    ),

    parts as (
        select 'steps' as part, month_start, rep, currency
        from steps

        union all

        select 'steps' as part, month_start, rep_before as rep, currency_before as currency
        from steps
        where was_open and (rep_before <> rep or currency_before <> currency)

        union all

        select 'opening' as part, next_month as month_start, rep, currency
        from at_month_end
        where next_month <= {{ current_month() }}

        union all

        select 'closing' as part, month_start, rep, currency
        from at_month_end
    ),

    final as (
        {%- for grain in ["month", "quarter"] %}
            select
                '{{ grain }}' as period_grain,
                {{ fiscal_period_start("month_start", grain) }} as period_start,
                rep,
                currency,
                part,
                count(*) as n_without_history
            from parts
            where
                case
                    part
                    when 'opening'
                    then month_start = {{ fiscal_period_start("month_start", grain) }}
                    when 'closing'
                    then {{ kpi_month_counts("month_start", grain, true) }}
                    else true
                end
            group by
                {{ fiscal_period_start("month_start", grain) }},
                rep,
                currency,
                part
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    )

select *
from final
