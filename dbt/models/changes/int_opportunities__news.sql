-- The deals of which anything is new since the last build: what their rows are made of, changes
-- that
-- were told since, and changes whose moment has come. All of them, where there was no last build.
with
    last_build as (select as_of, known_at from build.last_build),

    changes as (
        select source_instance, entity_id, loaded_at, changed_at, source_updated_at
        from {{ ref("int_field_changes__unioned") }}
        where entity = 'opportunities'
    ),

    inputs as (select * from {{ ref("int_opportunity_inputs") }}),

    told as (
        select changes.source_instance, changes.entity_id
        from changes
        inner join last_build on changes.loaded_at > last_build.known_at

        {%- for moment in ["changed_at", "source_updated_at"] %}
            union

            select changes.source_instance, changes.entity_id
            from changes
            inner join last_build on changes.{{ moment }} > last_build.as_of
            where changes.{{ moment }} <= {{ as_of() }}
        {%- endfor %}
    )

select
    coalesce(inputs.opportunity_key, before.opportunity_key) as opportunity_key,
    coalesce(inputs.source_instance, before.source_instance) as source_instance,
    coalesce(inputs.source_id, before.source_id) as source_id
from inputs
full join build.last_opportunities as before on inputs.opportunity_key = before.opportunity_key
where inputs.digest is distinct from before.digest

union

select inputs.opportunity_key, inputs.source_instance, inputs.source_id
from told
inner join
    inputs on told.source_instance = inputs.source_instance and told.entity_id = inputs.source_id
