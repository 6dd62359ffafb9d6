-- One row per deal that was merged away: the deal that it lives on in, through however many merges.
--
-- A merge into a deal that nobody knows, or a circle of merges, leaves none: such deals are not
-- here.
with recursive
    deals as (
        select opportunity_key, source_instance, source_id, merged_into_id, removal
        from {{ ref("int_opportunities__current") }}
    ),

    -- Pairs that are there already are not added again, so that circles come to an end.
    followed as (
        select deals.opportunity_key, deals.source_instance, deals.merged_into_id
        from deals
        where deals.removal = 'merged'

        union

        select followed.opportunity_key, deals.source_instance, deals.merged_into_id
        from followed
        inner join
            deals
            on followed.source_instance = deals.source_instance
            and followed.merged_into_id = deals.source_id
        where deals.removal = 'merged'
    ),

    final as (
        select followed.opportunity_key, deals.opportunity_key as survivor_key
        from followed
        inner join
            deals
            on followed.source_instance = deals.source_instance
            and followed.merged_into_id = deals.source_id
        where deals.removal is null or deals.removal <> 'merged'
    )

select *
from final
