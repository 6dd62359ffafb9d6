-- Team and manager of each person over time, without gap or overlap. A day is in the version that
-- holds at its end. With the setting `team: now` there is one version, today's; so it is for people
-- of sources whose raw tables keep no team.
with
    people as (select * from {{ ref("int_people") }}),

    {%- if var("team") == "now" %}
        versions as (
            select
                source_id as rep_id,
                team,
                manager_id,
                is_deleted,
                {{ beginning_of_time() }} as valid_from,
                {{ end_of_time() }} as valid_to
            from people
        ),
    {%- else %}
        {%- for type in canonical_types() if type in var("source_types") %}
            {{ type }}_versions as ({{ version_intervals(type, "users", ["team", "manager_id"]) }}),
        {%- endfor %}
        {%- if "hubspot" in var("source_types") %}
            owners as ({{ version_intervals("hubspot", "owners", ["team"]) }}),

            descriptions as (
                {{ version_intervals("hubspot", "users", ["manager_id"], "hubspot_owner_id") }}
            ),

            hubspot_versions as (
                select
                    owners.source_instance,
                    owners.source_id,
                    owners.is_deleted,
                    owners.team,
                    descriptions.manager_id,
                    greatest(
                        owners.valid_from, coalesce(descriptions.valid_from, owners.valid_from)
                    ) as valid_from,
                    least(
                        owners.valid_to, coalesce(descriptions.valid_to, owners.valid_to)
                    ) as valid_to
                from owners
                left join
                    descriptions
                    on owners.source_instance = descriptions.source_instance
                    and owners.source_id = descriptions.source_id
                    and owners.valid_from < descriptions.valid_to
                    and owners.valid_to > descriptions.valid_from
            ),
        {%- endif %}
        versions as (
            {%- for type in var("source_types") %}
                {%- if type in canonical_types() or type == "hubspot" %}
                    select
                        people.source_id as rep_id,
                        versions.team,
                        versions.manager_id,
                        versions.is_deleted,
                        versions.valid_from,
                        versions.valid_to
                    from people
                    inner join
                        {{ type }}_versions as versions
                        on people.source_system = '{{ type }}'
                        and people.source_instance = versions.source_instance
                        and people.source_id = versions.source_id
                {%- else %}
                    select
                        source_id as rep_id,
                        team,
                        manager_id,
                        is_deleted,
                        {{ beginning_of_time() }} as valid_from,
                        {{ end_of_time() }} as valid_to
                    from people
                    where source_system = '{{ type }}'
                    {%- endif %} {{ 'union all' if not loop.last }}
            {%- endfor %}
        ),
    {%- endif %}

    final as (
        select
            rep_id,
            team,
            manager_id,
            is_deleted,
            valid_from,
            valid_to,
            case
                when valid_from = {{ beginning_of_time() }}
                then cast(valid_from as date)
                else {{ local_day("valid_from") }}
            end as first_day,
            case
                when valid_to = {{ end_of_time() }}
                then cast(valid_to as date)
                else {{ local_day("valid_to") }}
            end as next_day
        from versions
    )

select *
from final
