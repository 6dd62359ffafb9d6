-- The visits of the twelve months up to now whose entry is known, with each item of content that
-- was
-- used on the deal while they went on: one row per visit and item; `content_id` NULL where none
-- was.
with
    visits as (select * from {{ ref("int_skill_visits") }} where is_entry_known),

    told as (select * from {{ ref("int_content_usage__unioned") }} where not is_deleted),

    of_activities as (
        select *
        from {{ ref("int_activities__unioned") }}
        where
            content_id is not null
            and opportunity_id is not null
            and not is_deleted
            and occurred_at <= {{ as_of() }}
    ),

    deals as (select * from {{ ref("int_surviving_deals") }}),

    deals_told as ({{ in_reach("told", "deals", "opportunity_key", "opportunity_id") }}),

    deals_of_activities as (
        {{ in_reach("of_activities", "deals", "opportunity_key", "opportunity_id") }}
    ),

    uses as (
        {%- for uses, known in [("told", "deals_told"), ("of_activities", "deals_of_activities")] %}
            select {{ uses }}.content_id, {{ uses }}.occurred_at, {{ known }}.opportunity_key
            from {{ uses }}
            inner join
                {{ known }}
                on {{ uses }}.source_instance = {{ known }}.from_instance
                and {{ uses }}.opportunity_id = {{ known }}.record_id
                {{ 'union all' if not loop.last }}
        {%- endfor %}
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
