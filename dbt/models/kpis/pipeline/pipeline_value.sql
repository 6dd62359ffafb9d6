{{
    increment(
        "clocked",
        of=[
            "int_pipeline_at_month_end",
            "fct_opportunities",
            "int_stage_visits",
            "int_opportunity_stage_moves",
        ],
        compared={
            "int_user_versions": settled_versions(),
            "dim_rep": "select rep_id, region, segment from {rows}",
            "int_pipeline_months": "select * from {rows} where ends_on < {settled}",
        },
    )
}}
-- One row per deal that was open when a month ended, in its state of then: stage, amount,
-- owner, and the owner's team and manager.
--
-- By deal, the deal's own probability of then comes before its stage's. Of a past that no history
-- tells, one that its record has now says nothing: most sources set it to 0 or 1 with the closing.
--
-- The stage of a stay of which a log tells only the end is sure only once the log has begun. What
-- the first version of a deal shows holds from its creation, as its record would without others.
with
    open_deals as (select * from {{ ref("int_pipeline_at_month_end") }}),

    months as (select month_start, ends_on from {{ ref("int_pipeline_months") }}),

    deals as (select * from {{ ref("fct_opportunities") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    histories as (select * from {{ ref("int_field_histories") }} where field = 'stage'),

    probability_histories as (
        select * from {{ ref("int_field_histories") }} where field = 'probability'
    ),

    unsure as (
        select
            stays.opportunity_key,
            least(stays.exited_at, coalesce(histories.told_from, stays.exited_at)) as unsure_until
        from {{ ref("int_stage_visits") }} as stays
        inner join
            {{ ref("int_opportunity_stage_moves") }} as exits
            on stays.opportunity_key = exits.opportunity_key
            and stays.exited_at = exits.entered_at
            and exits.is_told
        left join histories on stays.source_instance = histories.source_instance
        where
            stays.position = 1
            and stays.stage is not null
            and not stays.is_entry_known
            and stays.exited_at is not null
    ),

    priced as (
        select
            open_deals.month_start,
            open_deals.opportunity_key,
            deals.opportunity_id,
            open_deals.rep,
            {{ or_none("versions.team") }} as team,
            {{ or_none("versions.manager_id") }} as manager,
            {{ or_none("coalesce(deals.own_region, reps.region)") }} as region,
            {{ or_none("coalesce(deals.own_segment, reps.segment)") }} as segment,
            {{ or_none("deals.lead_source") }} as lead_source,
            {{ or_none("deals.product") }} as product,
            {{ or_none("deals.deal_type") }} as deal_type,
            {{ or_none("open_deals.pipeline") }} as pipeline,
            {{ extra_cuts_of("opportunities", "deals") }}
            {{
                or_none(
                    "case when unsure.opportunity_key is null then open_deals.stage_label end"
                )
            }} as stage,
            open_deals.source_instance,
            case when unsure.opportunity_key is null then open_deals.stage end as stage_name,
            case when unsure.opportunity_key is null then open_deals.probability end as probability,
            open_deals.month_start < {{ current_month() }}
            and (
                open_deals.stage is null or unsure.opportunity_key is not null
            ) as is_stage_unknown,
            open_deals.deal_probability,
            deals.deal_probability is not null
            and (open_deals.month_start < {{ current_month() }} or {{ is_look_back() }})
            and not coalesce(
                probability_histories.known_from <= open_deals.ends_at, false
            ) as is_deal_probability_unknown,
            open_deals.amount_native,
            open_deals.amount
        from open_deals
        inner join deals on open_deals.opportunity_key = deals.opportunity_key
        inner join months on open_deals.month_start = months.month_start
        left join reps on open_deals.rep = reps.rep_id
        left join
            versions
            on open_deals.rep = versions.rep_id
            and {{ is_version_on("versions", "months.ends_on") }}
        left join
            unsure
            on open_deals.opportunity_key = unsure.opportunity_key
            and open_deals.ends_at <= unsure.unsure_until
        left join
            probability_histories
            on open_deals.source_instance = probability_histories.source_instance
    ),

    weighted as (
        select
            *, 'weighted' as variant, probability as weight, is_stage_unknown as is_weight_unknown
        from priced

        union all

        select
            *,
            'weighted_by_deal' as variant,
            coalesce(deal_probability, probability) as weight,
            is_deal_probability_unknown
            or (deal_probability is null and is_stage_unknown) as is_weight_unknown
        from priced
        where exists (select 1 from {{ ref("int_deal_probabilities") }} where are_given)
    )

select
    'default' as variant,
    {{ deal_member() }},
    stage,
    source_instance,
    stage_name,
    month_start as period_on,
    amount as numerator,
    cast(null as integer) as denominator,
    {{ amount_exclusion("amount_native", "amount") }} as exclusion_reason
from priced

union all

select
    variant,
    {{ deal_member() }},
    stage,
    source_instance,
    stage_name,
    month_start as period_on,
    cast(
        cast(amount as numeric(24, 6)) * cast(weight as numeric(8, 6)) as {{ numeric_type() }}
    ) as numerator,
    cast(null as integer) as denominator,
    coalesce(
        {{ amount_exclusion("amount_native", "amount") }},
        case when is_weight_unknown then 'no_history' when weight is null then 'no_probability' end
    ) as exclusion_reason
from weighted
