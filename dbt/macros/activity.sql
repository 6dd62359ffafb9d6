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
