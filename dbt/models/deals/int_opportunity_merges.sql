-- One row per deal that says, as of the run's moment, that it was merged into another: whether it
-- was, and what is wrong with what it says.
--
-- A merge is within one source. One into a deal that its source does not know is none: the deal
-- counts. Of a circle of merges, and of a merge into itself, one deal counts: one that is not
-- deleted, of these the one that was merged last, since its merge closes the circle.
with recursive
    opportunities as (select * from {{ ref("int_opportunities__unioned") }}),

    changes as (
        select
            opportunity_key,
            max(case when changed_at <= {{ as_of() }} then changed_at end) as merged_at,
            min(case when changed_at > {{ as_of() }} then changed_at end) as merged_later_at
        from {{ ref("int_opportunity_changes") }}
        where field = 'merged_into_id' and new_value is not null
        group by opportunity_key
    ),

    dated as (
        select
            opportunities.opportunity_key,
            opportunities.source_instance,
            opportunities.source_id,
            opportunities.is_deleted,
            opportunities.merged_into_id,
            coalesce(
                changes.merged_at, changes.merged_later_at, opportunities.source_updated_at
            ) as merged_at
        from opportunities
        left join changes on opportunities.opportunity_key = changes.opportunity_key
        where opportunities.merged_into_id is not null
    ),

    said as (
        select
            dated.*,
            targets.opportunity_key as target_key,
            targets.is_deleted and targets.merged_into_id is null as is_target_deleted
        from dated
        left join
            opportunities as targets
            on dated.source_instance = targets.source_instance
            and dated.merged_into_id = targets.source_id
        where dated.merged_at is null or dated.merged_at <= {{ as_of() }}
    ),

    -- Pairs that are there already are not added again, so that circles come to an end.
    reached as (
        select opportunity_key, target_key
        from said
        where target_key is not null

        union

        select reached.opportunity_key, said.target_key
        from reached
        inner join said on reached.target_key = said.opportunity_key
        where said.target_key is not null
    ),

    -- Who comes back to itself is in a circle, and reaches all that are in it.
    circles as (
        select reached.opportunity_key, min(reached.target_key) as circle
        from reached
        inner join
            (select opportunity_key from reached where opportunity_key = target_key) as in_circles
            on reached.opportunity_key = in_circles.opportunity_key
        group by reached.opportunity_key
    ),

    ranked as (
        select
            said.*,
            circles.circle,
            row_number() over (
                partition by circles.circle
                order by
                    case when said.is_deleted then 1 else 0 end,
                    coalesce(said.merged_at, cast('0001-01-01' as timestamp)) desc,
                    said.source_id
            ) as choice
        from said
        left join circles on said.opportunity_key = circles.opportunity_key
    ),

    final as (
        select
            opportunity_key,
            source_instance,
            source_id,
            merged_into_id,
            merged_at,
            case
                when target_key is not null and (circle is null or choice > 1) then target_key
            end as merged_into_key,
            case
                when target_key is null
                then 'unknown'
                when circle is not null
                then 'circle'
                when is_target_deleted
                then 'deleted'
            end as problem
        from ranked
    )

select *
from final
