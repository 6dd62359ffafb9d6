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
    Activities as of the run's moment, from a statement of all. Where the source does not say whether
    one is done, a task is planned whose outcome is that of an open one, and a meeting or task that
    lies ahead of that moment. Of a planned one `due_at` is when it is to happen, and `occurred_at`
    when it was planned: NULL where no moment tells that, so that none is left out as beginning
    after as_of.

    A run that looks back takes none for planned that the source does not call so: what has happened
    since would be among them.
-#}
{% macro planned_and_done(activities) -%}
    {%- set is_ahead -%}
        (activities.occurred_at > {{ as_of() }} and not {{ is_look_back() }})
    {%- endset -%}
    {%- set is_done -%}
        coalesce(
            activities.is_done,
            case
                when
                    activities.type = 'task'
                    and {{ as_word("activities.outcome") }}
                    in ('not_started', 'in_progress', 'waiting', 'deferred')
                then false
            end,
            not ({{ is_ahead }} and {{ may_be_planned("activities") }}),
            true
        )
    {%- endset -%}
    select
        {%- for column in record_columns(contract()["activities"]) %}
            {% if column == "is_done" -%} {{ is_done }} as is_done
            {%- elif column == "due_at" -%}
                case
                    when {{ is_done }}
                    then activities.due_at
                    else coalesce(activities.due_at, activities.occurred_at)
                end as due_at
            {%- elif column == "occurred_at" -%}
                case
                    when
                        {{ is_done }}
                        or (activities.occurred_at < activities.due_at and not {{ is_ahead }})
                    then activities.occurred_at
                end as occurred_at
            {%- else -%} activities.{{ column }}
            {%- endif -%}
            {{ ',' if not loop.last }}
        {%- endfor %}
    from ({{ activities }}) as activities
{%- endmacro %}
