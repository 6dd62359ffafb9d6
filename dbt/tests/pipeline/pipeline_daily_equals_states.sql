{{ config(meta={"dagster": {"ref": {"name": "fct_pipeline_daily"}}}) }}
{%- set columns = [
    "date_day",
    "rep_id",
    "source_instance",
    "pipeline",
    "stage",
    "currency",
    "deals",
    "amount_native",
    "amount",
] -%}
{#- Today, and some fifty days more of every seven years, drawn by their hash. -#}
{%- set drawn = (
    "(date_day = "
    ~ as_of_day()
    ~ " or md5(cast(date_day as "
    ~ dbt.type_string()
    ~ ")) < '05')"
) -%}
-- What the deltas make of a day is what the deals' states of that day add up to.
with
    from_states as (
        select {{ columns | join(", ") }} from ({{ pipeline_daily_exploded(drawn) }}) as exploded
    ),

    from_deltas as (
        select {{ columns | join(", ") }} from {{ ref("fct_pipeline_daily") }} where {{ drawn }}
    ),

    missing as (
        select *
        from from_states
        except
        select *
        from from_deltas
    ),

    unexpected as (
        select *
        from from_deltas
        except
        select *
        from from_states
    )

select 'missing' as problem, missing.*
from missing
union all
select 'unexpected' as problem, unexpected.*
from unexpected
