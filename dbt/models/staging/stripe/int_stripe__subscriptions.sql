{{ config(materialized="table") }}
-- Subscriptions with when they began and ended. One that vanished without an end, as with its
-- customer, ended then: it was there before.
with subscriptions as ({{ latest_versions("stripe", "subscriptions") }})

select
    source_instance,
    source_id as subscription,
    source_row,
    source_updated_at,
    loaded_at,
    customer,
    status,
    currency,
    start_date as began_at,
    case
        when ended_at is not null
        then greatest(ended_at, start_date)
        when coalesce(is_deleted, false)
        then greatest(coalesce(source_updated_at, loaded_at), start_date)
    end as ended_at,
    trial_start,
    trial_end
from subscriptions
