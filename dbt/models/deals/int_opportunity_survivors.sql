-- One row per deal that was merged away: the deal that it lives on in, through however many merges.
with recursive
    merges as (
        select opportunity_key, merged_into_key
        from {{ ref("int_opportunity_merges") }}
        where merged_into_key is not null
    ),

    followed as (
        select opportunity_key, merged_into_key
        from merges

        union all

        select followed.opportunity_key, merges.merged_into_key
        from followed
        inner join merges on followed.merged_into_key = merges.opportunity_key
    ),

    final as (
        select followed.opportunity_key, followed.merged_into_key as survivor_key
        from followed
        left join merges on followed.merged_into_key = merges.opportunity_key
        where merges.opportunity_key is null
    )

select *
from final
