-- One row per person. One who is known to several systems is one where the ids agree; the first
-- system's words hold.
with
    users as (select * from {{ ref("int_users__unioned") }}),

    ranked as (
        select
            *,
            row_number() over (
                partition by source_id
                order by case when is_deleted then 1 else 0 end, source_system, source_instance
            ) as choice
        from users
    ),

    final as (select * from ranked where choice = 1)

select *
from final
