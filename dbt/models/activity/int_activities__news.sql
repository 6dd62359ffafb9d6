{{ differing_records("fct_activities") }}
-- The activities whose rows are others than at the last build, whoever owns them, those that are
-- gone included; and those of which nothing tells when they were, since the clock goes on for them.
-- None where there was no last build.
with
    {{ ctes_of_activity_facts() }},

    now as (
        select activity_key, occurred_at, {{ hash_of("facts") }} as digest
        from facts
        where exists (select 1 from build.last_fct_activities)
    ),

    before as (
        select activity_key, {{ hash_of("facts") }} as digest
        from
            (
                select {{ activity_facts().keys() | join(", ") }} from build.last_fct_activities
            ) as facts
    )

select coalesce(now.activity_key, before.activity_key) as activity_key
from now
full join before on now.activity_key = before.activity_key
where
    now.digest is distinct from before.digest
    or (now.activity_key is not null and now.occurred_at is null)
