-- One row per lead: when it was first answered, by the first outbound activity on it, else by what
-- the record says, else, where it was converted, by what was then said to whom it became; and how
-- long that took, on the clock and in working hours.
with
    leads as (select * from {{ ref("int_leads__unioned") }}),

    activities as (
        select lead_key, contact_key, opportunity_key, occurred_at
        from {{ ref("fct_activities") }}
        where has_happened and direction = 'out'
    ),

    contacts as (
        select contact_key, source_instance, source_id from {{ ref("int_contacts__unioned") }}
    ),

    deals as (select * from {{ ref("int_surviving_deals") }}),

    known_contacts as ({{ in_reach("leads", "contacts", "contact_key") }}),

    known_deals as ({{ in_reach("leads", "deals", "opportunity_key", "opportunity_id") }}),

    dates as (select * from {{ ref("dim_date") }}),

    reached_out as (
        select lead_key, min(occurred_at) as answered_at
        from activities
        where lead_key is not null
        group by lead_key
    ),

    -- A CRM may move a lead's activities to the contact and the deal that it was converted to.
    converted as (
        select
            leads.lead_key,
            leads.created_at,
            known_contacts.contact_key,
            known_deals.opportunity_key
        from leads
        left join
            known_contacts
            on leads.source_instance = known_contacts.from_instance
            and leads.contact_id = known_contacts.record_id
        left join
            known_deals
            on leads.source_instance = known_deals.from_instance
            and leads.opportunity_id = known_deals.record_id
        where leads.converted_at is not null
    ),

    moved as (
        {%- for party in ["contact", "opportunity"] %}
            select converted.lead_key, activities.occurred_at
            from converted
            inner join activities on converted.{{ party }}_key = activities.{{ party }}_key
            where activities.occurred_at >= converted.created_at {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    reached_out_after as (
        select lead_key, min(occurred_at) as answered_at from moved group by lead_key
    ),

    first_answers as (
        select
            leads.lead_key,
            leads.source_instance,
            leads.created_at,
            coalesce(
                reached_out.answered_at, leads.first_response_at, reached_out_after.answered_at
            ) as answered_at
        from leads
        left join reached_out on leads.lead_key = reached_out.lead_key
        left join reached_out_after on leads.lead_key = reached_out_after.lead_key
    ),

    answered as (
        select
            *,
            {{ local_time("created_at") }} as created_local,
            {{ local_time("answered_at") }} as answered_local
        from first_answers
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
