-- Ad spend by its day, and the costs of marketing by the first day of their month: these have no
-- channel. A cost that no team names and no category tells is nobody's.
with {{ spent_by_variant() }}

select
    variant,
    entity,
    entity_key,
    entity_id,
    channel,
    campaign,
    spent_on as period_on,
    amount as numerator,
    cast(null as {{ numeric_type() }}) as denominator,
    case when function is null then 'no_team' else exclusion_reason end as exclusion_reason
from spent
where function is null or function = 'marketing'
