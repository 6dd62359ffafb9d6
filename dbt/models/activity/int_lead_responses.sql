-- One row per lead: when it was first answered, by the first outbound activity on it, else by what
-- the record says; and how long that took, on the clock and in working hours.
with
    leads as (select * from {{ ref("int_leads__unioned") }}),

    dates as (select * from {{ ref("dim_date") }}),

    reached_out as (
        select lead_key, min(occurred_at) as answered_at
        from {{ ref("fct_activities") }}
        where has_happened and direction = 'out' and lead_key is not null
        group by lead_key
    ),

    answered as (
        select
            leads.lead_key,
            leads.source_instance,
            leads.created_at,
            {{ local_time("leads.created_at") }} as created_local,
            coalesce(reached_out.answered_at, leads.first_response_at) as answered_at,
            {{ local_time("coalesce(reached_out.answered_at, leads.first_response_at)") }}
            as answered_local
        from leads
        left join reached_out on leads.lead_key = reached_out.lead_key
    ),

    timed as (
        select
            *,
            max(answered_at) over (partition by source_instance) is not null as are_answers_told,
            coalesce(
                {{ is_bare_day("created_at", "created_local") }}
                or {{ is_bare_day("answered_at", "answered_local") }},
                false
            ) as is_without_time
        from answered
    ),

    final as (
        select
            timed.lead_key,
            timed.answered_at,
            timed.answered_at is not null as is_answered,
            timed.are_answers_told,
            timed.is_without_time,
            timed.answered_at < timed.created_at as is_before_creation,
            {%- for hours in [1, 24] %}
                coalesce(
                    timed.answered_at <= timed.created_at + interval '{{ hours }} hours', false
                ) as is_within_{{ hours }}h,
            {%- endfor %}
            case
                when not timed.is_without_time
                then {{ hours_between("timed.created_at", "timed.answered_at") }}
            end as hours,
            case
                when not timed.is_without_time and timed.answered_at >= timed.created_at
                then
                    cast(
                        {{
                            business_hours_between(
                                "created_on",
                                "timed.created_local",
                                "answered_on",
                                "timed.answered_local",
                            )
                        }} as {{ numeric_type() }}
                    )
            end as business_hours
        from timed
        left join dates as created_on on cast(timed.created_local as date) = created_on.date_day
        left join dates as answered_on on cast(timed.answered_local as date) = answered_on.date_day
    )

select *
from final
