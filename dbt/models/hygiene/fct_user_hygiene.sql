-- One row per person who is not deleted, one column per rule: true where the person's record breaks
-- it, NULL where the rule does not apply.
with
    users as (select * from {{ ref("int_people") }} where not is_deleted),

    reps as (select rep_id, first_activity_on from {{ ref("int_active_reps") }} where is_rep),

    given as ({{ given_columns("users", ["hired_on", "left_on"]) }}),

    final as (
        select
            users.user_key,
            users.source_instance,
            users.source_id,
            users.source_id as rep_id,
            case
                when given.hired_on and reps.rep_id is not null then users.hired_on is null
            end as hired_on_missing,
            users.hired_on > reps.first_activity_on as hired_after_first_activity,
            case
                when given.left_on and not users.is_active then users.left_on is null
            end as left_on_missing
        from users
        left join reps on users.source_id = reps.rep_id
        left join given on users.source_instance = given.source_instance
    )

select *
from final
