-- What anything can point at: every known record of whatever moment, deleted ones included, with
-- what else may be given instead of its id; teams and stages by name; the columns of the contract
-- as <entity>.<column>.
with
    users as ({{ staged_records("users") }}),

    stages as ({{ staged_records("pipeline_stages") }}),

    final as (
        {%- for entity in referenced_entities() %}
            {%- set columns = contract()[entity].columns | map(attribute="name") | list %}
            {%- set name = ["name", "title"] | select("in", columns) | first %}
            select
                cast('{{ entity }}' as {{ dbt.type_string() }}) as target,
                source_system,
                source_instance,
                source_id as target_id,
                is_deleted,
                {{ name or "cast(null as " ~ dbt.type_string() ~ ")" }} as name,
                {{ "email" if "email" in columns else "cast(null as " ~ dbt.type_string() ~ ")" }}
                as email
            from ({{ staged_records(entity) }}) as records

            union all
        {% endfor %}
        select
            'users.team' as target,
            cast(null as {{ dbt.type_string() }}) as source_system,
            cast(null as {{ dbt.type_string() }}) as source_instance,
            team as target_id,
            false as is_deleted,
            null as name,
            null as email
        from
            (
                select team
                from users
                union
                select team
                from {{ ref("int_user_versions") }}
            ) as teams
        where team is not null

        union all

        select
            'pipeline_stages.stage' as target,
            source_system,
            source_instance,
            stage as target_id,
            is_deleted,
            null as name,
            null as email
        from stages

        union all

        select
            'columns' as target,
            null as source_system,
            null as source_instance,
            target_id,
            false as is_deleted,
            null as name,
            null as email
        from
            (
                values
                    {%- for entity, spec in contract().items() %}
                        {%- set entity_loop = loop %}
                        {%- for column in spec.columns | map(attribute="name") | list + [
                            "is_deleted"
                        ] %}
                            ('{{ entity }}.{{ column }}')
                            {{- ',' if not (loop.last and entity_loop.last) }}
                        {%- endfor %}
                    {%- endfor %}
            ) as columns(target_id)
    )

select *
from final
