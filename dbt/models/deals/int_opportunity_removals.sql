{{ increment("clocked", of=["int_opportunities__current", "int_opportunity_changes"]) }}
-- The spans in which a deal was deleted or merged away: [removed_at, restored_at).
--
-- Field changes of `is_deleted` tell of deletions and restorations; whether a deal is removed now
-- is as its record says. A removal of which nobody knows when it happened has always been.
with
    deals as (
        select opportunity_key, removal, removed_at from {{ ref("int_opportunities__current") }}
    ),

    changes as (select * from {{ ref("int_opportunity_changes") }} where field = 'is_deleted'),

    told as (
        select
            opportunity_key,
            {{ is_true("new_value") }} as is_deletion,
            changed_at,
            lead(changed_at) over (
                partition by opportunity_key order by position
            ) as next_changed_at
        from changes
    ),

    deletions as (
        select opportunity_key, changed_at as removed_at, next_changed_at as restored_at
        from told
        where is_deletion and changed_at <= {{ as_of() }}
    ),

    standing as (
        select
            deals.opportunity_key,
            deals.removal,
            coalesce(
                least(deals.removed_at, deletions.removed_at), cast('0001-01-01' as timestamp)
            ) as removed_at
        from deals
        left join
            deletions
            on deals.opportunity_key = deletions.opportunity_key
            and deletions.restored_at is null
        where deals.removal is not null
    ),

    restored as (
        select
            deletions.opportunity_key,
            deletions.removed_at,
            least(deletions.restored_at, standing.removed_at) as restored_at
        from deletions
        left join standing on deletions.opportunity_key = standing.opportunity_key
        where
            deletions.restored_at > deletions.removed_at
            and (standing.removed_at is null or deletions.removed_at < standing.removed_at)
    ),

    final as (
        select opportunity_key, removal, removed_at, cast(null as timestamp) as restored_at
        from standing

        union all

        select
            opportunity_key,
            'deleted' as removal,
            removed_at,
            case when restored_at <= {{ as_of() }} then restored_at end as restored_at
        from restored
    )

select *
from final
