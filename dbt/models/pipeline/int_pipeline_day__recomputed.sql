-- The day from which on the pipeline may be another than at the last build: the first on which
-- something else happened, or the ninth before the last build's, since rates of the last days may
-- have come since.
with
    days as (
        select happened_on as date_day
        from {{ ref("int_pipeline_days__touched") }}

        union all

        select cast({{ dbt.dateadd("day", -9, local_day("as_of")) }} as date) as date_day
        from build.last_build
    )

select min(date_day) as date_day
from days
