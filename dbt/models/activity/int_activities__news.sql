{{ differing_records("fct_activities") }}
-- The activities whose rows are others than at the last build, those that are gone included: in
-- what they have of their own, or, where that is as it was, of others. None where there was no last
-- build.
with
    now as (
        select activity_key, {{ hash_of("facts") }} as digest
        from ({{ activities_alone() }}) as facts
        where exists (select 1 from build.last_fct_activities)
    ),

    before as (
        select activity_key, {{ hash_of("facts") }} as digest
        from
            (
                select {{ activity_facts().keys() | join(", ") }} from build.last_fct_activities
            ) as facts
    ),

    of_other_facts as (
        select coalesce(now.activity_key, before.activity_key) as activity_key
        from now
        full join before on now.activity_key = before.activity_key
        where now.digest is distinct from before.digest
    ),

    -- By what they had of their own then: where that is other now, they are among the above.
    activities as (
        select
            {{ activity_facts().keys() | join(", ") }},
            {%- for name in activity_links() %}
                {{ name }} as last_{{ name }} {{- "," if not loop.last }}
            {%- endfor %}
        from build.last_fct_activities
    ),

    {{ ctes_of_activity_links(named_in="build.last_fct_activities") }}

select activity_key
from of_other_facts

union

select activity_key
from linked
where
    {%- for name in activity_links() %}
        {{ "or" if not loop.first }} {{ name }} is distinct from last_{{ name }}
    {%- endfor %}
