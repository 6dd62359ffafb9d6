with
    calls as ({{ latest_versions("hubspot", "calls") }}),

    emails as ({{ latest_versions("hubspot", "emails") }}),

    meetings as ({{ latest_versions("hubspot", "meetings") }}),

    notes as ({{ latest_versions("hubspot", "notes") }}),

    -- One done ahead of the day on which it was due was changed then at the latest.
    tasks as (
        select
            *,
            upper(hs_task_status)
            in ('NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'DEFERRED') as is_open,
            coalesce(
                hs_task_completion_date, least(hs_timestamp, source_updated_at)
            ) as completed_at
        from ({{ latest_versions("hubspot", "tasks") }}) as latest
    ),

    -- The two dispositions that HubSpot has in every portal and that tell whether somebody
    -- answered.
    final as (
        select
            {{ staged_record_columns("hubspot", "activities", "calls") }},
            {{ extra_of("activities", "calls") }}
            'call' as type,
            case
                upper(calls.hs_call_direction) when 'INBOUND' then 'in' when 'OUTBOUND' then 'out'
            end as direction,
            calls.hs_timestamp as occurred_at,
            cast(null as timestamp) as planned_at,
            cast(null as timestamp) as due_at,
            cast(null as boolean) as is_done,
            calls.hubspot_owner_id as owner_id,
            calls.deal_id as opportunity_id,
            calls.lead_id,
            calls.contact_id,
            calls.company_id as account_id,
            cast(calls.hs_call_duration as {{ type_of("number") }}) / 1000 as duration_seconds,
            case
                calls.hs_call_disposition
                when 'f240bbac-87c9-4f6e-bf70-924b57d47db7'
                then 'connected'
                when '73a0d17f-1163-4015-bdd5-ec830791da20'
                then 'no_answer'
                else calls.hs_call_disposition
            end as outcome,
            cast(null as {{ dbt.type_string() }}) as content_id
        from calls

        union all

        select
            {{ staged_record_columns("hubspot", "activities", "emails") }},
            {{ extra_of("activities", "emails") }}
            'email' as type,
            case
                upper(emails.hs_email_direction)
                when 'INCOMING_EMAIL'
                then 'in'
                when 'EMAIL'
                then 'out'
            end as direction,
            emails.hs_timestamp as occurred_at,
            cast(null as timestamp) as planned_at,
            cast(null as timestamp) as due_at,
            cast(null as boolean) as is_done,
            emails.hubspot_owner_id as owner_id,
            emails.deal_id as opportunity_id,
            emails.lead_id,
            emails.contact_id,
            emails.company_id as account_id,
            cast(null as {{ type_of("number") }}) as duration_seconds,
            cast(null as {{ dbt.type_string() }}) as outcome,
            emails.content_id
        from emails

        union all

        select
            {{ staged_record_columns("hubspot", "activities", "meetings") }},
            {{ extra_of("activities", "meetings") }}
            case
                when lower(meetings.hs_activity_type) like '%demo%' then 'demo' else 'meeting'
            end as type,
            'out' as direction,
            case
                when upper(meetings.hs_meeting_outcome) = 'SCHEDULED'
                then meetings.hs_createdate
                else coalesce(meetings.hs_meeting_start_time, meetings.hs_timestamp)
            end as occurred_at,
            -- What was called off or put off is planned no more.
            case
                when
                    meetings.hs_createdate
                    < coalesce(meetings.hs_meeting_start_time, meetings.hs_timestamp)
                    and coalesce(upper(meetings.hs_meeting_outcome), '')
                    not in ('RESCHEDULED', 'CANCELED')
                then meetings.hs_createdate
            end as planned_at,
            case
                when upper(meetings.hs_meeting_outcome) = 'SCHEDULED'
                then coalesce(meetings.hs_meeting_start_time, meetings.hs_timestamp)
            end as due_at,
            case
                when upper(meetings.hs_meeting_outcome) = 'SCHEDULED'
                then false
                when
                    upper(meetings.hs_meeting_outcome)
                    in ('COMPLETED', 'RESCHEDULED', 'NO_SHOW', 'CANCELED')
                then true
            end as is_done,
            meetings.hubspot_owner_id as owner_id,
            meetings.deal_id as opportunity_id,
            meetings.lead_id,
            meetings.contact_id,
            meetings.company_id as account_id,
            cast(
                {{
                    microseconds_between(
                        "meetings.hs_meeting_start_time", "meetings.hs_meeting_end_time"
                    )
                }} as {{ type_of("number") }}
            )
            / 1000000 as duration_seconds,
            lower(meetings.hs_meeting_outcome) as outcome,
            meetings.content_id
        from meetings

        union all

        select
            {{ staged_record_columns("hubspot", "activities", "notes") }},
            {{ extra_of("activities", "notes") }}
            'note' as type,
            'out' as direction,
            notes.hs_timestamp as occurred_at,
            cast(null as timestamp) as planned_at,
            cast(null as timestamp) as due_at,
            cast(null as boolean) as is_done,
            notes.hubspot_owner_id as owner_id,
            notes.deal_id as opportunity_id,
            notes.lead_id,
            notes.contact_id,
            notes.company_id as account_id,
            cast(null as {{ type_of("number") }}) as duration_seconds,
            cast(null as {{ dbt.type_string() }}) as outcome,
            cast(null as {{ dbt.type_string() }}) as content_id
        from notes

        union all

        select
            {{ staged_record_columns("hubspot", "activities", "tasks") }},
            {{ extra_of("activities", "tasks") }}
            'task' as type,
            'out' as direction,
            case
                when tasks.is_open then tasks.hs_createdate else tasks.completed_at
            end as occurred_at,
            case
                when tasks.is_open or tasks.hs_createdate < tasks.completed_at
                then tasks.hs_createdate
            end as planned_at,
            tasks.hs_timestamp as due_at,
            case
                when tasks.is_open
                then false
                when upper(tasks.hs_task_status) = 'COMPLETED'
                then true
            end as is_done,
            tasks.hubspot_owner_id as owner_id,
            tasks.deal_id as opportunity_id,
            tasks.lead_id,
            tasks.contact_id,
            tasks.company_id as account_id,
            cast(null as {{ type_of("number") }}) as duration_seconds,
            lower(tasks.hs_task_status) as outcome,
            cast(null as {{ dbt.type_string() }}) as content_id
        from tasks
    )

select *
from final
