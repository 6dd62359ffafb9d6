{#- Whether an activity happened: it is neither planned nor deleted. -#}
{% macro happened(activity) -%}
    (coalesce({{ activity }}.is_done, true) and not {{ activity }}.is_deleted)
{%- endmacro %}

{#- Whether an activity is planned: it is still to happen, and not deleted. -#}
{% macro is_planned(activity) -%}
    (not coalesce({{ activity }}.is_done, true) and not {{ activity }}.is_deleted)
{%- endmacro %}

{#- Whether activities of this type stand in calendars before they happen. -#}
{% macro may_be_planned(activity) -%}
    ({{ activity }}.type in ('task', 'meeting', 'demo'))
{%- endmacro %}

{#-
    Whether an activity is done, where the source says so or its outcome does: NULL where neither tells.
    A call that is to be made stands in many exports as a call, and only its status tells.
-#}
{% macro told_done(activity) -%}
    coalesce({{ activity }}.is_done, {{ outcome_told_done(activity ~ ".outcome") }})
{%- endmacro %}

{% macro outcome_told_done(text) -%}
    {%- set outcome = as_word(text) -%}
    case
        when
            {{ outcome }}
            in ('planned', 'not_started', 'scheduled', 'in_progress', 'deferred', 'open')
            or {{ outcome }} like 'waiting%'
        then false
        when {{ outcome }} in ('completed', 'complete', 'done', 'held', 'finished')
        then true
    end
{%- endmacro %}

{#-
    Activities as of the run's moment, from a statement of all: what was planned by then and happened
    later is planned. Of a planned one `due_at` is when it is to happen, and `occurred_at` when it was
    planned: NULL where nothing tells that, so that none is left out as beginning after as_of. What was
    planned and has no other moment than that is due at no time.

    Where neither the source nor the outcome says whether one is done, a meeting, demo or task that lies
    ahead is planned. A run that looks back takes none for planned that only lies ahead of its moment:
    what has happened since would be among them.

    The few outcomes that there are are read once each, and whether one is told to be done is asked for
    in few places: readers' conditions are pushed down through all of this, and carry copies of it.
-#}
{% macro planned_and_done(activities) -%}
    {%- set columns = record_columns(contract()["activities"]) -%}
    {%- set of_now = ["is_done", "occurred_at", "planned_at", "due_at"] -%}
    select
        {%- for column in columns if column not in of_now %} as_of_now.{{ column }}, {%- endfor %}
        case
            when as_of_now.is_told_done then as_of_now.planned_at else as_of_now.begun_at
        end as planned_at,
        as_of_now.is_done,
        case
            when as_of_now.is_done
            then as_of_now.due_at
            else coalesce(as_of_now.due_at, nullif(as_of_now.occurred_at, as_of_now.begun_at))
        end as due_at,
        case
            when as_of_now.is_done then as_of_now.occurred_at else as_of_now.begun_at
        end as occurred_at
    from
        (
            select
                *,
                coalesce(
                    planned_at,
                    case
                        when
                            occurred_at < due_at
                            and (occurred_at <= {{ as_of() }} or {{ is_look_back() }})
                        then occurred_at
                    end
                ) as begun_at,
                is_told_done
                and not coalesce(
                    occurred_at > {{ as_of() }} and planned_at <= {{ as_of() }}, false
                ) as is_done
            from
                (
                    select
                        {%- for column in columns if column != "is_done" %}
                            activities.{{ column }},
                        {%- endfor %}
                        coalesce(
                            activities.is_done,
                            outcomes.is_done,
                            not (
                                activities.occurred_at > {{ as_of() }}
                                and not {{ is_look_back() }}
                                and {{ may_be_planned("activities") }}
                            ),
                            true
                        ) as is_told_done
                    from ({{ activities }}) as activities
                    left join
                        (
                            select outcome, {{ outcome_told_done("outcome") }} as is_done
                            from (select distinct outcome from ({{ activities }}) as given) as words
                        ) as outcomes
                        on activities.outcome = outcomes.outcome
                ) as told
        ) as as_of_now
{%- endmacro %}

{#- What activities have of their own: the SQL of each column, of `int_activities__unioned`. -#}
{% macro activity_facts() -%}
    {{
        return(
            {
                "activity_key": "activity_key",
                "source_system": "source_system",
                "source_instance": "source_instance",
                "activity_id": "source_id",
                "activity_type": "type",
                "direction": "direction",
                "occurred_at": "occurred_at",
                "is_done": "coalesce(is_done, true)",
                "has_happened": happened("activities"),
                "is_planned": is_planned("activities"),
                "due_at": "due_at",
                "is_deleted": "is_deleted",
                "rep_id": "owner_id",
                "opportunity_id": "opportunity_id",
                "lead_id": "lead_id",
                "contact_id": "contact_id",
                "account_id": "account_id",
                "duration_seconds": "cast(duration_seconds as " ~ type_of("number") ~ ")",
                "outcome": "outcome",
                "content_id": "content_id",
            }
        )
    }}
{%- endmacro %}

{#- What they have of others: of records that they were about, and of their owner. -#}
{% macro activity_links() -%}
    {{
        return(
            {
                "opportunity_key": "known_deals.opportunity_key",
                "lead_key": "known_leads.lead_key",
                "contact_key": "known_contacts.contact_key",
                "account_key": "case when activities.account_id is not null then known_accounts.account_key "
                ~ "else coalesce(known_deals.account_key, known_contacts.account_key, "
                ~ "known_leads.account_key) end",
                "rep_name": "reps.rep_name",
                "team": "versions.team",
                "manager_id": "versions.manager_id",
                "region": "reps.region",
                "segment": "reps.segment",
            }
        )
    }}
{%- endmacro %}

{#- Activities as of the run's moment, with what they have of their own. -#}
{% macro activities_alone() -%}
    select
        {%- for name, fact in activity_facts().items() %}
            {{ fact }} as {{ name }} {{- "," if not loop.last }}
        {%- endfor %}
    from {{ ref("int_activities__unioned") }} as activities
{%- endmacro %}

{#-
    CTEs, of which `linked` has the rows of `activities`, a CTE, and what these have of others. Where one
    names no account, it is that of its deal, else of its contact, else of its lead. Of one without a
    moment the owner's team is that of now. `named_in` are rows of the same sources as the activities.
-#}
{% macro ctes_of_activity_links(named_in="activities") -%}
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

    {% for party, key, id in [
        ("deals", "opportunity_key", "opportunity_id"),
        ("leads", "lead_key", "source_id"),
        ("contacts", "contact_key", "source_id"),
    ] -%}
        known_{{ party }} as (
            select known.from_instance, known.record_id, known.{{ key }}, of_them.account_key
            from ({{ in_reach(named_in, party, key, id) }}) as known
            left join accounts_of_{{ party }} as of_them on known.{{ key }} = of_them.{{ key }}
        ),
    {% endfor %}

    known_accounts as ({{ in_reach(named_in, "accounts", "account_key", "account_id") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    linked as (
        select
            activities.*,
            {%- for name, link in activity_links().items() %}
                {{ link }} as {{ name }} {{- "," if not loop.last }}
            {%- endfor %}
        from activities
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
        left join reps on activities.rep_id = reps.rep_id
        left join
            versions
            on activities.rep_id = versions.rep_id
            and {{ is_version_at("versions", "coalesce(activities.occurred_at, " ~ as_of() ~ ")") }}
    )
{%- endmacro %}
