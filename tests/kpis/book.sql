-- Numbers by hand: calls by week, open deals at month's ends, a product, what is left
-- to go of a quota that is reached, and a number that is gone.
create schema marts;

create table marts.publication as
select 'now' as run_id, timestamp '2024-03-15 12:00:00' as as_of;

create table marts.dim_date as select date '2024-01-01' as fiscal_year_start;

create table marts.kpi_definitions as
select
    unnest(['calls', 'open_value', 'calls_per_day']) as metric,
    'default' as variant,
    'What it is.' as definition,
    'how it is counted' as formula,
    'up' as better,
    'sales' as owner,
    'abc' as definition_hash;

create table marts.kpi_variants as
select *, cast(if(metric = 'to_go', 0, null) as numeric(38, 6)) as least_denominator
from (
    values
        ('calls', 'default', 'calls', 'sum', null, null, null, null),
        ('open_value', 'default', 'money', 'sum', 'end', null, null, null),
        ('days', 'default', 'days', 'quotient', null, null, null, null),
        ('to_go', 'default', 'ratio', 'quotient', 'now', null, null, null),
        (
            'calls_per_day', 'default', 'calls', 'product', null,
            'calls days', 'calls.value', 'nullif(days.value, 0)'
        )
) as variants (
    metric, variant, unit, kind, state, factors, numerator_formula, denominator_formula
);

create table marts.kpi_members as
select
    metric,
    'default' as variant,
    'call' as entity,
    entity_id as entity_key,
    entity_id,
    cast(period_on as date) as period_on,
    cast(counts_in as varchar) as counts_in,
    if(entity_id like '% quota', 'denominator', null) as side,
    'all' as company,
    cast(rep as varchar) as rep,
    cast(numerator as numeric(38, 6)) as numerator,
    cast(denominator as numeric(38, 6)) as denominator,
    cast(exclusion_reason as varchar) as exclusion_reason
from (
    values
        ('calls', 'a', '2024-01-31', null, 'ann', 1, null, null),
        ('calls', 'b', '2024-02-01', null, 'ann', 2, null, null),
        ('calls', 'c', '2024-02-05', 'month all', null, 1, null, null),
        ('calls', 'd', '2024-02-05', null, null, 1, null, 'deleted'),
        ('open_value', 'd', '2024-01-01', null, null, 7, null, null),
        ('open_value', 'e', '2024-01-01', null, null, null, null, 'no_history'),
        ('open_value', 'e', '2024-03-01', null, null, 9, null, null),
        ('days', 'a', '2024-01-31', null, null, 4, 2, null),
        ('to_go', 'd', '2024-03-01', null, null, 7, null, null),
        ('to_go', 'reached quota', '2024-03-01', null, null, null, -5, null),
        ('calls_per_day', 'a', '2024-01-31', null, null, null, null, null)
) as members (
    metric, entity_id, period_on, counts_in, rep, numerator, denominator, exclusion_reason
);

create table marts.kpi_values as
select
    metric,
    'default' as variant,
    period_grain,
    cast(period_start as date) as period_start,
    dimension,
    dimension_key,
    dimension_key as dimension_label,
    cast(value as double) as value,
    cast(numerator as numeric(38, 6)) as numerator,
    cast(denominator as numeric(38, 6)) as denominator,
    cast(n_included as bigint) as n_included,
    cast(n_excluded as bigint) as n_excluded
from (
    values
        ('calls', 'week', '2024-01-29', 'company', 'all', 3, 3, null, 2, 0),
        ('calls', 'week', '2024-02-05', 'company', 'all', 0, 0, null, 0, 1),
        ('calls', 'month', '2024-01-01', 'company', 'all', 1, 1, null, 1, 0),
        ('calls', 'month', '2024-02-01', 'company', 'all', 3, 3, null, 2, 1),
        ('calls', 'all', null, 'company', 'all', 4, 4, null, 3, 1),
        ('calls', 'all', null, 'rep', 'ann', 3, 3, null, 2, 0),
        ('open_value', 'month', '2024-01-01', 'company', 'all', null, null, null, 1, 1),
        ('open_value', 'month', '2024-02-01', 'company', 'all', 0, 0, null, 0, 0),
        ('open_value', 'month', '2024-03-01', 'company', 'all', 9, 9, null, 1, 0),
        ('open_value', 'quarter', '2024-01-01', 'company', 'all', 9, 9, null, 1, 0),
        ('open_value', 'all', null, 'company', 'all', 9, 9, null, 1, 0),
        ('days', 'all', null, 'company', 'all', 2, 4, 2, 1, 0),
        ('to_go', 'all', null, 'company', 'all', null, 7, 0, 1, 0),
        ('calls_per_day', 'all', null, 'company', 'all', 2, 4, 2, 1, 0)
) as cells (
    metric,
    period_grain,
    period_start,
    dimension,
    dimension_key,
    value,
    numerator,
    denominator,
    n_included,
    n_excluded
);

create table marts.mart_restatements as
select
    'calls' as metric,
    'default' as variant,
    'month' as period_grain,
    date '2024-01-01' as period_start,
    'rep' as dimension,
    'bob' as dimension_key,
    'bob' as dimension_label,
    60.0 as first_value,
    2 as first_n_included,
    0.0 as late_facts,
    0.0 as corrections,
    0.0 as definition_change,
    -60.0 as later_events,
    'first' as first_run_id,
    timestamp '2024-02-03 12:00:00' as first_as_of;
