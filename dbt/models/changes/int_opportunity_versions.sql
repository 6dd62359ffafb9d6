{%- set deals = raw_deals() -%}
-- Every known version of each deal that raw has kept, in the order of the loads.
--
-- A version is of the moment at which the source says it changed the record, else of its load. A
-- company's own as_of ends what it can show, unless its data goes on after it. Where the data ends
-- before it was first loaded, loads tell no moment: a later one only corrects (`seen_at` is NULL).
with
    versions as (
        {%- for source_type in var("source_types") if source_type in deals %}
            {%- set columns = deals[source_type] %}
            select
                {{ record_key("'" ~ source_type ~ "'", "source_instance", "source_id") }}
                as opportunity_key,
                '{{ source_type }}' as source_type,
                source_instance,
                load_number,
                loaded_at,
                source_updated_at,
                {{ columns.created_at }} as created_at,
                pipeline,
                {{ columns.stage }} as stage
            from {{ known_versions(source_type, columns.table) }} {{ 'union all' if not loop.last }}
        {%- else %}
            select
                cast(null as {{ dbt.type_string() }}) as opportunity_key,
                cast(null as {{ dbt.type_string() }}) as source_type,
                cast(null as {{ dbt.type_string() }}) as source_instance,
                cast(null as bigint) as load_number,
                cast(null as timestamp) as loaded_at,
                cast(null as timestamp) as source_updated_at,
                cast(null as timestamp) as created_at,
                cast(null as {{ dbt.type_string() }}) as pipeline,
                cast(null as {{ dbt.type_string() }}) as stage
            where false
        {%- endfor %}
    ),

    first_loads as (
        select source_instance, min(loaded_at) as first_loaded_at
        from versions
        group by source_instance
    ),

    {%- if "hubspot" in var("source_types") %}
        stages as (
            select source_instance, source_id, pipeline, stage
            from {{ ref("stg_hubspot__pipeline_stages") }}
        ),
    {% endif %}

    ends as (select count(*) > 0 as are_open from {{ ref("int_data_after_as_of") }}),

    renames as (select * from {{ ref("int_stage_renames") }}),

    final as (
        select
            versions.opportunity_key,
            versions.load_number,
            versions.loaded_at,
            versions.source_updated_at,
            coalesce(
                versions.source_updated_at,
                case
                    when first_loads.first_loaded_at > {{ company_as_of() }}
                    then null
                    when ends.are_open
                    then versions.loaded_at
                    else least(versions.loaded_at, {{ company_as_of() }})
                end
            ) as seen_at,
            case
                when ends.are_open
                then coalesce(versions.source_updated_at, versions.loaded_at)
                else
                    least(
                        coalesce(versions.source_updated_at, versions.loaded_at),
                        {{ company_as_of() }}
                    )
            end as shown_at,
            versions.created_at,
            {%- for part in ["pipeline", "stage"] %}
                {% if "hubspot" in var("source_types") -%}
                    coalesce(stages.{{ part }}, renames.{{ part }}, versions.{{ part }})
                {%- else -%} coalesce(renames.{{ part }}, versions.{{ part }})
                {%- endif %} as {{ part }}{{ ',' if not loop.last }}
            {%- endfor %}
        from versions
        inner join first_loads on versions.source_instance = first_loads.source_instance
        cross join ends
        left join
            renames
            on versions.source_instance = renames.source_instance
            and coalesce(versions.pipeline, '') = renames.former_pipeline
            and versions.stage = renames.former_stage
        {%- if "hubspot" in var("source_types") %}
            left join
                stages
                on versions.source_instance = stages.source_instance
                and case when versions.source_type = 'hubspot' then versions.stage end
                = stages.source_id
        {%- endif %}
    )

select *
from final
