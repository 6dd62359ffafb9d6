-- The visits that skills are judged by: those that ended in the twelve months up to now.
select *
from {{ ref("int_led_visits") }}
where exited_on > {{ dbt.dateadd("year", -1, as_of_day()) }} and exited_on <= {{ as_of_day() }}
