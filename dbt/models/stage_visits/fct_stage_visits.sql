{{
    increment(
        "clocked",
        of=["fct_opportunities", "int_stage_visits", "int_skipped_stages"],
        compared={
            "int_user_versions": settled_versions(),
            "int_fx_rates__daily": settled_rates(),
        },
    )
}}
-- One row per stay of a deal in a stage, and per stage that it skipped; stage NULL where nobody
-- knows in which stages it was.
with
    opportunities as (
        select opportunity_key, opportunity_id, closed_at, closed_is_bare, removal, removed_at
        from {{ ref("fct_opportunities") }}
    ),

    versions as (select * from {{ ref("int_user_versions") }}),

    rates as (select * from {{ ref("int_fx_rates__daily") }}),

    stays as (
        select
            opportunity_key,
            source_instance,
            pipeline,
            position,
            stage,
            stage_label,
            stage_order,
            status,
            visit_number,
            false as is_skipped,
            entered_at,
            entered_local,
            is_entry_known,
            exited_at,
            exited_local,
            ended_as,
            next_stage,
            stages_skipped,
            led_higher,
            led_to_win,
            owner_id,
            amount_native,
            currency
        from {{ ref("int_stage_visits") }}

        union all

        select
            opportunity_key,
            source_instance,
            pipeline,
            position,
            stage,
            stage_label,
            stage_order,
            status,
            null as visit_number,
            true as is_skipped,
            skipped_at as entered_at,
            skipped_local as entered_local,
            is_entry_known,
            skipped_at as exited_at,
            skipped_local as exited_local,
            'skipped' as ended_as,
            next_stage,
            0 as stages_skipped,
            true as led_higher,
            led_to_win,
            owner_id,
            amount_native,
            currency
        from {{ ref("int_skipped_stages") }}
    ),

    of_opportunities as (
        select
            stays.*,
            opportunities.opportunity_id,
            opportunities.removal,
            opportunities.closed_is_bare
            and stays.exited_at = opportunities.closed_at as exited_is_bare,
            case
                when opportunities.removed_at < stays.entered_at
                then stays.entered_at
                else opportunities.removed_at
            end as removed_at,
            opportunities.removal is not null and stays.next_stage is null as is_removed
        from stays
        inner join opportunities on stays.opportunity_key = opportunities.opportunity_key
    ),

    -- Deleting or merging a deal ends the stay that it was in.
    ended as (
        select
            *,
            case when is_removed then removed_at else exited_at end as left_at,
            case
                when is_removed then {{ local_time("removed_at") }} else exited_local
            end as left_local
        from of_opportunities
    ),

    final as (
        select
            md5(
                ended.opportunity_key
                || '|'
                || ended.position
                || '|'
                || {{ or_none("ended.stage") }}
            ) as stage_visit_key,
            ended.opportunity_key,
            ended.opportunity_id,
            ended.source_instance,
            ended.pipeline,
            ended.stage,
            ended.stage_label,
            ended.stage_order,
            ended.status,
            ended.position,
            ended.visit_number,
            ended.is_skipped,
            ended.entered_at,
            cast(ended.entered_local as date) as entered_on,
            ended.is_entry_known,
            ended.left_at as exited_at,
            cast(ended.left_local as date) as exited_on,
            {{
                days_between(
                    "ended.entered_at",
                    "ended.left_at",
                    "ended.entered_local",
                    "ended.left_local",
                    "coalesce(ended.exited_is_bare, false)",
                )
            }} as days,
            case when ended.is_removed then ended.removal else ended.ended_as end as ended_as,
            ended.next_stage,
            ended.stages_skipped,
            ended.led_higher,
            ended.led_to_win,
            ended.owner_id as rep_id,
            versions.team,
            cast(ended.amount_native as {{ numeric_type() }}) as amount_native,
            ended.currency,
            {{ reporting_amount("ended.amount_native", fx_rate("ended.currency", "rates")) }}
            as amount,
            ended.removal
        from ended
        left join
            versions
            on ended.owner_id = versions.rep_id
            and {{ is_version_at("versions", "coalesce(ended.entered_at, " ~ as_of() ~ ")") }}
        left join
            rates
            on ended.currency = rates.currency
            and cast(ended.entered_local as date) = rates.date_day
    )

select *
from final
