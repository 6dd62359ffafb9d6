-- One row per activity, planned and deleted ones included and marked: who did it, in which team
-- they then were, and the records that it was about.
with
    activities as (select * from {{ ref("int_activities__unioned") }}),

    deals as (select * from {{ ref("int_surviving_deals") }}),

    leads as (
        -- Whose a lead became has no history: in a look back it is known once the lead was
        -- converted.
        select
            lead_key,
            source_instance,
            source_id,
            case
                when converted_at is not null or not {{ is_look_back() }} then account_id
            end as account_id
        from {{ ref("int_leads__unioned") }}
    ),

    contacts as (
        select contact_key, source_instance, source_id, account_id
        from {{ ref("int_contacts__unioned") }}
    ),

    accounts as (select account_key, source_instance, account_id from {{ ref("dim_account") }}),

    known_deals as ({{ in_reach("activities", "deals", "opportunity_key", "opportunity_id") }}),

    known_leads as ({{ in_reach("activities", "leads", "lead_key") }}),

    known_contacts as ({{ in_reach("activities", "contacts", "contact_key") }}),

    known_accounts as ({{ in_reach("activities", "accounts", "account_key", "account_id") }}),

    accounts_of_deals as (select opportunity_key, account_key from {{ ref("fct_opportunities") }}),

    {% for party in ["contact", "lead"] -%}
        accounts_of_{{ party }}s as (
            select {{ party }}s.{{ party }}_key, known.account_key
            from {{ party }}s
            inner join
                ({{ in_reach(party ~ "s", "accounts", "account_key", "account_id") }}) as known
                on {{ party }}s.source_instance = known.from_instance
                and {{ party }}s.account_id = known.record_id
        ),
    {% endfor %}

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    on_local_clocks as (
        select
            *,
            {{ local_time("occurred_at") }} as occurred_local,
            {{ happened("activities") }} as has_happened,
            {{ is_planned("activities") }} as is_planned,
            coalesce(activities.is_done, true) as was_done
        from activities
    ),

    final as (
        select
            activities.activity_key,
            activities.source_system,
            activities.source_instance,
            activities.source_id as activity_id,
            activities.type as activity_type,
            activities.direction,
            activities.occurred_at,
            cast(activities.occurred_local as date) as occurred_on,
            coalesce(
                {{ is_bare_day("activities.occurred_at", "activities.occurred_local") }}, false
            ) as occurred_is_bare,
            activities.was_done as is_done,
            activities.has_happened,
            activities.is_planned,
            activities.due_at,
            activities.is_deleted,
            activities.owner_id as rep_id,
            reps.rep_name,
            versions.team,
            versions.manager_id,
            reps.region,
            reps.segment,
            known_deals.opportunity_key,
            activities.opportunity_id,
            known_leads.lead_key,
            activities.lead_id,
            known_contacts.contact_key,
            activities.contact_id,
            case
                when activities.account_id is not null
                then known_accounts.account_key
                else
                    coalesce(
                        accounts_of_deals.account_key,
                        accounts_of_contacts.account_key,
                        accounts_of_leads.account_key
                    )
            end as account_key,
            activities.account_id,
            cast(activities.duration_seconds as {{ type_of("number") }}) as duration_seconds,
            activities.outcome,
            activities.content_id
        from on_local_clocks as activities
        left join reps on activities.owner_id = reps.rep_id
        left join
            versions
            on activities.owner_id = versions.rep_id
            and {{ is_version_at("versions", "coalesce(activities.occurred_at, " ~ as_of() ~ ")") }}
        {%- for relation, id in [
                ("known_deals", "opportunity_id"),
                ("known_leads", "lead_id"),
                ("known_contacts", "contact_id"),
                ("known_accounts", "account_id"),
            ] %}
            left join
                {{ relation }}
                on activities.source_instance = {{ relation }}.from_instance
                and activities.{{ id }} = {{ relation }}.record_id
        {%- endfor %}
        left join
            accounts_of_deals on known_deals.opportunity_key = accounts_of_deals.opportunity_key
        left join
            accounts_of_contacts on known_contacts.contact_key = accounts_of_contacts.contact_key
        left join accounts_of_leads on known_leads.lead_key = accounts_of_leads.lead_key
    )

select *
from final
