{#- Whether a field of a deal has had its last change by an instant: the record's own value holds. -#}
{% macro is_settled(field) -%}
    (deals.last_{{ field }}_at is null or filled.valid_from >= deals.last_{{ field }}_at)
{%- endmacro %}

{#- Whether a change of a field, with the value of the change before it, changes anything. -#}
{% macro is_change() -%}
    (
        coalesce(old_value, previous_value) is null
        or new_value <> coalesce(old_value, previous_value)
        or previous_value <> new_value
    )
{%- endmacro %}

{#- Whether a history ends in a stage that no pipeline names, and that is the record's renamed. -#}
{% macro is_renamed(ends) -%}
    (
        {{ ends }}.last_stage_status is null
        and coalesce({{ ends }}.last_status, 'open') = {{ ends }}.status
    )
{%- endmacro %}

{#- Whether a record is in another place, pipeline or stage, than its history leaves it in. -#}
{% macro is_moved_on(ends) -%}
    (
        {{ ends }}.last_stage <> {{ ends }}.stage
        or coalesce({{ ends }}.last_pipeline <> coalesce({{ ends }}.pipeline, ''), false)
    )
{%- endmacro %}
