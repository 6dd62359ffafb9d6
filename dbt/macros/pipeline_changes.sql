{#-
    Of mart_pipeline_changes: the deals in `valued` of which a field differs from then, what it was
    and is, which way it went, and what that does to the open pipeline.
-#}
{% macro field_change(field) -%}
    select
        since,
        since_at,
        opportunity_key,
        valid_from,
        '{{ field }}' as field,
        {% if field == "amount" -%}
            rtrim(rtrim(cast(amount_before as {{ dbt.type_string() }}), '0'), '.') as old_value,
            rtrim(rtrim(cast(amount as {{ dbt.type_string() }}), '0'), '.') as new_value,
            case
                when coalesce(amount, 0) >= coalesce(amount_before, 0)
                then 'increased'
                else 'decreased'
            end as movement,
            case when was_open then value - value_before else 0 end as pipeline_effect,
            abs(value - value_before) as money_at_stake
        {%- elif field == "currency" -%}
            currency_before as old_value,
            currency as new_value,
            'redenominated' as movement,
            case
                when was_open and amount is not distinct from amount_before
                then value - value_before
                else 0
            end as pipeline_effect,
            abs(value - value_before) as money_at_stake
        {%- elif field == "stage" -%}
            case
                when is_in_other_pipeline then stage_label_before else stage_before
            end as old_value,
            case when is_in_other_pipeline then stage_label else stage end as new_value,
            case
                when status <> 'open' and status is distinct from status_before
                then status
                when status_before <> 'open' and status = 'open'
                then 'reopened'
                when is_in_other_pipeline
                then 'moved'
                when stage_order > stage_order_before
                then 'advanced'
                when stage_order < stage_order_before
                then 'regressed'
                else 'moved'
            end as movement,
            undated_effect as pipeline_effect,
            value as money_at_stake
        {%- else -%}
            cast({{ field }}_before as {{ dbt.type_string() }}) as old_value,
            cast({{ field }} as {{ dbt.type_string() }}) as new_value,
            {% if field == "close_date" -%}
                case
                    when close_date > close_date_before
                    then 'pushed_out'
                    when close_date < close_date_before
                    then 'pulled_in'
                    when close_date_before is null
                    then 'scheduled'
                    else 'unscheduled'
                end as movement,
            {%- else -%}
                '{{ "reassigned" if field == "owner_id" else "recategorised" }}' as movement,
            {%- endif %}
            0 as pipeline_effect,
            value as money_at_stake
        {%- endif %}
    from valued
    where
        removal is null
        {%- if field == "stage" %}
            and case
                when existed
                then
                    was_kept
                    and (
                        stage is distinct from stage_before
                        or is_in_other_pipeline
                        or status <> status_before
                    )
                else status <> 'open'
            end
        {%- else %}
            and existed
            and was_kept
            and {{ field }} is distinct from {{ field }}_before
            and (was_open or is_open)
        {%- endif %}
{%- endmacro %}
