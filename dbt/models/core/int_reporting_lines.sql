-- Everyone above a person, at whatever distance, over time.
with recursive
    versions as (
        select rep_id, manager_id, first_day, next_day
        from {{ ref("int_user_versions") }}
        where manager_id is not null and first_day < next_day
    ),

    -- A circle ends where it would say again what was said.
    lines as (
        select rep_id, manager_id, first_day, next_day
        from versions

        union

        select
            lines.rep_id,
            versions.manager_id,
            greatest(lines.first_day, versions.first_day) as first_day,
            least(lines.next_day, versions.next_day) as next_day
        from lines
        inner join
            versions
            on lines.manager_id = versions.rep_id
            and lines.first_day < versions.next_day
            and lines.next_day > versions.first_day
    ),

    final as (select * from lines)

select *
from final
