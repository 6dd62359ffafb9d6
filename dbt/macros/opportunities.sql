{#- The fields of deals, beside pipeline and stage, whose past states and metrics are built on. -#}
{% macro value_fields() -%}
    {{
        return(
            [
                "currency",
                "amount",
                "close_date",
                "owner_id",
                "probability",
                "forecast_category",
            ]
        )
    }}
{%- endmacro %}

{#- Whether a field of a deal has had its last change by an instant: the record's own value holds. -#}
{% macro is_settled(field) -%}
    (deals.last_{{ field }}_at is null or filled.valid_from >= deals.last_{{ field }}_at)
{%- endmacro %}

{#-
    Whether a change of a field, with that before it, changes anything. An old value that is not told
    is that of the change before; where there is none, the field had no value.
-#}
{% macro is_change() -%}
    (
        new_value is distinct from coalesce(old_value, previous_value)
        or (previous_changed_at is not null and new_value is distinct from previous_value)
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

{#- A share from 0 to 1 from its text, NULL where it is none. -#}
{% macro share_from_text(text) -%}
    case when {{ money_from_text(text) }} between 0 and 1 then {{ money_from_text(text) }} end
{%- endmacro %}
