{{ increment("clocked", of=["fct_stage_visits", "int_kpi_deals"], materialized="view") }}
-- Deals by stage that they entered. A deal counts once per stage and period, by its first entry.
-- `direct` sees only real stays, and only moves to the very next stage (won after the last).
with
    entries as (
        select
            opportunity_key,
            {{ or_none("pipeline") }} as pipeline,
            {{ or_none("stage_label") }} as stage,
            position,
            is_skipped,
            is_entry_known,
            entered_on,
            {{ month_start("entered_on") }} as entered_month,
            led_higher,
            led_to_win,
            ended_as in ('advanced', 'won') and stages_skipped = 0 as moved_to_next
        from {{ ref("fct_stage_visits") }}
        where status = 'open'
    ),

    {%- set populations = {
        "all_entries": "opportunity_key, pipeline, stage",
        "stays": "opportunity_key, pipeline, stage, is_skipped",
    } %}
    compared as (
        select
            *,
            {%- for population, partition in populations.items() %}
                row_number() over (
                    partition by {{ partition }} order by position
                ) as nth_of_{{ population }},
                lag(entered_month) over (
                    partition by {{ partition }} order by position
                ) as month_before_of_{{ population }}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from entries
    )

{%- for variant, population, outcome in [
        ("default", "all_entries", "case when compared.led_higher then 1 else 0 end"),
        ("direct", "stays", "case when compared.moved_to_next then 1 else 0 end"),
        ("to_won", "all_entries", "case when compared.led_to_win then 1 else 0 end"),
    ] %}

    select
        '{{ variant }}' as variant,
        deals.opportunity_key,
        'opportunity_stage' as entity,
        md5(deals.opportunity_key || '|' || compared.stage) as entity_key,
        deals.opportunity_id as entity_id,
        {%- for cut in deal_cuts() if cut != "pipeline" %} deals.{{ cut }}, {%- endfor %}
        compared.pipeline,
        compared.stage,
        compared.entered_on as period_on,
        {{ outcome }} as numerator,
        1 as denominator,
        case
            when compared.nth_of_{{ population }} = 1
            then 'month quarter year all'
            {%- for grain, counts_in in [
                    ("year", "month quarter year"),
                    ("quarter", "month quarter"),
                ] %}
                when
                    {{ fiscal_period_start("compared.month_before_of_" ~ population, grain) }}
                    is distinct from {{ fiscal_period_start("compared.entered_month", grain) }}
                then '{{ counts_in }}'
            {%- endfor %}
            else 'month'
        end as counts_in,
        coalesce(
            deals.removal,
            case
                when not compared.is_entry_known
                then 'no_history'
                when compared.entered_on is null
                then 'no_created_at'
            end
        ) as exclusion_reason
    from compared
    inner join
        {{ ref("int_kpi_deals") }} as deals on compared.opportunity_key = deals.opportunity_key
    where
        {%- if population == "stays" %}
            not compared.is_skipped and{% endif %} (
            compared.nth_of_{{ population }} = 1
            or compared.month_before_of_{{ population }} is distinct from compared.entered_month
        )
        {{ 'union all' if not loop.last }}
{%- endfor %}
