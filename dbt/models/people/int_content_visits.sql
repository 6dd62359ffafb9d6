-- The visits of the twelve months up to now whose entry is known, with each item of content
-- that was used on the deal while they went on: one row per visit and item; `content_id` NULL
-- where none was.
with
    visits as (select * from {{ ref("int_skill_visits") }} where is_entry_known),

    told as (select * from {{ ref("int_content_usage__unioned") }} where not is_deleted),

    deals as (select * from {{ ref("int_surviving_deals") }}),

    known_deals as ({{ in_reach("told", "deals", "opportunity_key", "opportunity_id") }}),

    uses as (
        select told.content_id, told.occurred_at, known_deals.opportunity_key
        from told
        inner join
            known_deals
            on told.source_instance = known_deals.from_instance
            and told.opportunity_id = known_deals.record_id

        union all

        select content_id, occurred_at, opportunity_key
        from {{ ref("fct_activities") }}
        where content_id is not null and opportunity_key is not null and has_happened
    ),

    used as (
        select distinct visits.stage_visit_key, uses.content_id
        from visits
        inner join
            uses
            on visits.opportunity_key = uses.opportunity_key
            and uses.occurred_at >= visits.entered_at
            and uses.occurred_at < visits.exited_at
    ),

    final as (
        select visits.*, used.content_id
        from visits
        left join used on visits.stage_visit_key = used.stage_visit_key
    )

select *
from final
