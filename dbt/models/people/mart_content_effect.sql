-- Per stage, and item or type of content: what became of the visits in which it was used,
-- beside those in which no content was; and whether its use follows the deal more than it
-- drives it.
{%- set stage_key = ["source_instance", "pipeline", "stage"] %}
{%- set content_key = ["source_instance", "pipeline", "stage", "content_type", "content_id"] %}
{%- set traits = {
    "days": ("stage", "days"),
    "amount": ("stage", "amount"),
    "order": ("pipeline", "stage_order"),
} %}
with
    visits as (select * from {{ ref("int_content_visits") }}),

    deals as (select opportunity_key, is_closed from {{ ref("fct_opportunities") }}),

    content as (
        select
            source_id as content_id, min(title) as title, min({{ or_none("type") }}) as content_type
        from {{ ref("int_content__unioned") }}
        where not is_deleted
        group by source_id
    ),

    once as (
        select
            stage_visit_key,
            {{ stage_key | join(", ") }},
            max(stage_order) as stage_order,
            max(days) as days,
            max(amount) as amount,
            count(content_id) as items
        from visits
        group by stage_visit_key, {{ stage_key | join(", ") }}
    ),

    -- Where a visit ranks among all of its stage by length and amount, and by stage in its
    -- pipeline.
    {%- for trait, (scope, value) in traits.items() %}
        {%- set within = "source_instance, pipeline" ~ (", stage" if scope == "stage") %}
        ranked_by_{{ trait }} as (
            select
                stage_visit_key,
                rank() over (partition by {{ within }} order by {{ value }})
                + cast(0.5 as {{ double_type() }})
                * (count(*) over (partition by {{ within }}, {{ value }}) - 1) as place,
                count(*) over (partition by {{ within }}) as records,
                power(
                    cast(
                        count(*) over (
                            partition by {{ within }}, {{ value }}
                        ) as {{ double_type() }}
                    ),
                    2
                )
                - 1 as ties,
                {{ within }}
            from once
            where {{ value }} is not null
        ),

        places_by_{{ trait }} as (
            select
                stage_visit_key, place, records, sum(ties) over (partition by {{ within }}) as ties
            from ranked_by_{{ trait }}
        ),
    {%- endfor %}

    described as (
        select
            visits.stage_visit_key,
            visits.source_instance,
            visits.pipeline,
            visits.stage,
            visits.stage_order,
            visits.content_id,
            content.title,
            case
                when visits.content_id is not null then coalesce(content.content_type, '(none)')
            end as content_type,
            visits.is_advanced,
            case when deals.is_closed then visits.is_won end as is_won
        from visits
        left join deals on visits.opportunity_key = deals.opportunity_key
        left join content on visits.content_id = content.content_id
    ),

    -- A visit counts once for each item that was used in it, and once for each type.
    uses as (
        select
            stage_visit_key,
            {{ stage_key | join(", ") }},
            stage_order,
            content_type,
            content_id,
            title,
            is_advanced,
            is_won
        from described
        where content_id is not null

        union all

        select distinct
            stage_visit_key,
            {{ stage_key | join(", ") }},
            stage_order,
            content_type,
            cast(null as {{ dbt.type_string() }}) as content_id,
            cast(null as {{ dbt.type_string() }}) as title,
            is_advanced,
            is_won
        from described
        where content_id is not null
    ),

    without_any as (
        select
            {{ stage_key | join(", ") }},
            count(*) as n_without,
            {{ ratio("sum(is_advanced)", "count(*)") }} as conversion_without,
            count(is_won) as closed_without,
            {{ ratio("sum(is_won)", "count(is_won)") }} as win_rate_without
        from described
        where content_id is null
        group by {{ stage_key | join(", ") }}
    ),

    by_content as (
        select
            uses.source_instance,
            uses.pipeline,
            uses.stage,
            uses.content_type,
            uses.content_id,
            max(uses.title) as title,
            max(uses.stage_order) as stage_order,
            count(*) as n_with,
            {{ ratio("sum(uses.is_advanced)", "count(*)") }} as conversion_with,
            count(uses.is_won) as closed_with,
            {{ ratio("sum(uses.is_won)", "count(uses.is_won)") }} as win_rate_with,
            {%- for trait in ["days", "amount"] %}
                {{
                    rank_z(
                        "sum(" ~ trait ~ ".place)",
                        "count(" ~ trait ~ ".place)",
                        "max(" ~ trait ~ ".records)",
                        "max(" ~ trait ~ ".ties)",
                    )
                }} as {{ trait }}_z {{- "," if not loop.last }}
            {%- endfor %}
        from uses
        {%- for trait in ["days", "amount"] %}
            left join
                places_by_{{ trait }} as {{ trait }}
                on uses.stage_visit_key = {{ trait }}.stage_visit_key
        {%- endfor %}
        group by uses.source_instance, uses.pipeline, uses.stage, uses.content_type, uses.content_id
    ),

    -- Whether an item is used in later stages than deals are in.
    by_pipeline as (
        select
            uses.source_instance,
            uses.pipeline,
            uses.content_type,
            uses.content_id,
            {{
                rank_z(
                    "sum(places.place)",
                    "count(places.place)",
                    "max(places.records)",
                    "max(places.ties)",
                )
            }} as order_z
        from uses
        inner join places_by_order as places on uses.stage_visit_key = places.stage_visit_key
        group by uses.source_instance, uses.pipeline, uses.content_type, uses.content_id
    ),

    compared as (
        select
            by_content.*,
            without_any.n_without,
            without_any.conversion_without,
            without_any.closed_without,
            without_any.win_rate_without,
            by_content.conversion_with - without_any.conversion_without as effect,
            by_content.win_rate_with - without_any.win_rate_without as win_effect,
            {{ is_enough("by_content.n_with") }}
            and {{ is_enough("coalesce(without_any.n_without, 0)") }} as is_enough_data,
            by_content.days_z > {{ once_in_twenty() }} as is_in_longer_visits,
            by_content.amount_z > {{ once_in_twenty() }} as is_on_larger_deals,
            by_pipeline.order_z > {{ once_in_twenty() }} as is_in_later_stages
        from by_content
        left join
            without_any
            on by_content.source_instance = without_any.source_instance
            and by_content.pipeline = without_any.pipeline
            and by_content.stage = without_any.stage
        left join
            by_pipeline
            on by_content.source_instance = by_pipeline.source_instance
            and by_content.pipeline = by_pipeline.pipeline
            and by_content.content_type = by_pipeline.content_type
            and coalesce(by_content.content_id, '') = coalesce(by_pipeline.content_id, '')
    ),

    with_intervals as (
        select
            *,
            {%- for effect, share, n in [
                ("effect", "conversion", "n"),
                ("win_effect", "win_rate", "closed"),
            ] %}
                {%- for side, other, sign in [("low", "high", "-"), ("high", "low", "+")] %}
                    {{ effect }} {{ sign }} sqrt(
                        {{ squared_margin(share ~ "_with", n ~ "_with", side) }}
                        + {{ squared_margin(share ~ "_without", n ~ "_without", other) }}
                    ) as {{ "win_" if effect == "win_effect" }}{{ side }}
                    {{- "," if not loop.last }}
                {%- endfor %}
                {{- "," if not loop.last }}
            {%- endfor %}
        from compared
    ),

    tested as (
        select
            *,
            case
                when is_enough_data then {{ p_value_of_interval("effect", "low", "high") }}
            end as p_value
        from with_intervals
    ),

    {%- set in_order = "p_value nulls last, " ~ content_key | join(", ") ~ " nulls first" %}
    in_turn as (select *, {{ times_tests_left("p_value", in_order) }} as times_left from tested),

    corrected as (
        select
            *,
            case
                when p_value is not null then {{ greatest_so_far("times_left", in_order) }}
            end as p_value_corrected
        from in_turn
    ),

    final as (
        select
            md5(
                source_instance
                || '|'
                || pipeline
                || '|'
                || stage
                || '|'
                || content_type
                || '|'
                || coalesce(content_id, '')
            ) as content_effect_key,
            source_instance,
            pipeline,
            stage,
            stage_order,
            content_type,
            content_id,
            title,
            is_enough_data,
            cast(n_with as bigint) as n_with,
            cast(coalesce(n_without, 0) as bigint) as n_without,
            cast(conversion_with as {{ double_type() }}) as conversion_with,
            cast(conversion_without as {{ double_type() }}) as conversion_without,
            cast(effect as {{ double_type() }}) as effect,
            cast(low as {{ double_type() }}) as low,
            cast(high as {{ double_type() }}) as high,
            cast(closed_with as bigint) as closed_with,
            cast(coalesce(closed_without, 0) as bigint) as closed_without,
            cast(win_rate_with as {{ double_type() }}) as win_rate_with,
            cast(win_rate_without as {{ double_type() }}) as win_rate_without,
            cast(win_effect as {{ double_type() }}) as win_effect,
            cast(win_low as {{ double_type() }}) as win_low,
            cast(win_high as {{ double_type() }}) as win_high,
            cast(p_value as {{ double_type() }}) as p_value,
            cast(p_value_corrected as {{ double_type() }}) as p_value_corrected,
            coalesce(is_in_longer_visits, false) as is_in_longer_visits,
            coalesce(is_on_larger_deals, false) as is_on_larger_deals,
            coalesce(is_in_later_stages, false) as is_in_later_stages,
            case
                when coalesce(p_value_corrected >= {{ alarm_level() }}, true)
                then 'undecidable'
                when
                    coalesce(is_in_longer_visits, false)
                    or coalesce(is_on_larger_deals, false)
                    or coalesce(is_in_later_stages, false)
                then 'follows the deal'
                when effect > 0
                then 'goes with more'
                else 'goes with fewer'
            end as verdict
        from corrected
    )

select *
from final
