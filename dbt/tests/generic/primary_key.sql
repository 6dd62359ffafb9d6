{#- The column is the table's key: never NULL, never twice. -#}
{% test primary_key(model, column_name) %}
    select {{ column_name }}, count(*) as times
    from {{ model }}
    group by {{ column_name }}
    having {{ column_name }} is null or count(*) > 1
{% endtest %}
