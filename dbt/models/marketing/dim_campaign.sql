-- Marketing campaigns that have begun, deleted ones included.
select
    campaign_key,
    source_system,
    source_instance,
    source_id as campaign_id,
    name as campaign_name,
    channel,
    platform,
    started_on,
    ended_on,
    cast(budget as {{ numeric_type() }}) as budget,
    coalesce(currency, '{{ var("currency") }}') as currency,
    is_deleted
from {{ ref("int_campaigns__unioned") }}
