{%- set concerns = {
    "open_deals_at_risk": "signals >= 3",
    "next_steps_overdue": "is_next_step_overdue",
} -%}
-- Whose open deals call for something now, at least as many as those of all others do: how many of
-- them, what is expected of them, and which they are.
with
    deals as (
        select
            inspected.*,
            coalesce(opportunities.deal_probability, opportunities.probability, 0)
            * coalesce(inspected.amount, 0) as expected
        from {{ ref("mart_deal_inspection") }} as inspected
        inner join
            {{ ref("fct_opportunities") }} as opportunities
            on inspected.opportunity_key = opportunities.opportunity_key
        where inspected.rep_id is not null
    ),

    judged as (
        {%- for metric, sign in concerns.items() %}
            select
                rep_id,
                opportunity_id,
                expected,
                amount,
                '{{ metric }}' as metric,
                coalesce({{ sign }}, false) as is_found
            from deals {{ "union all" if not loop.last }}
        {%- endfor %}
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by rep_id, metric, is_found
                order by expected desc, amount desc nulls last, opportunity_id
            ) as place
        from judged
    ),

    by_rep as (
        select
            rep_id,
            metric,
            count(*) as deals,
            count(case when is_found then 1 end) as found,
            sum(case when is_found then expected end) as expected,
            sum(case when is_found then amount end) as amount,
            string_agg(
                case when is_found and place <= {{ talk_keys() }} then opportunity_id end,
                ','
                order by place
            ) as record_keys
        from ranked
        group by rep_id, metric
    ),

    beside_others as (
        select
            *,
            sum(deals) over (partition by metric) - deals as others_deals,
            sum(found) over (partition by metric) - found as others_found
        from by_rep
    ),

    final as (
        select
            *,
            {{ ratio("found", "deals") }} as value,
            {{ ratio("others_found", "others_deals") }} as comparison,
            {{ wilson_low("found", "deals") }} as low,
            {{ wilson_high("found", "deals") }} as high
        from beside_others
        where found > 0 and found * others_deals >= others_found * deals
    )

select *
from final
