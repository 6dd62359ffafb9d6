{#- The money of an entity's records, its currency, and the day of the rate. -#}
{%- set money = {
    "invoices": ("total", "currency", "issued_at"),
    "payments": ("amount", "currency", "occurred_at"),
    "credit_notes": ("amount", "currency", "occurred_at"),
    "subscriptions": ("mrr", "currency", "started_at"),
    "forecast_submissions": ("amount", none, "submitted_at"),
} -%}
{#- Those whose money another model has: the model, their key, the amount, which rows have it. -#}
{%- set priced = {
    "quotas": ("fct_quotas", "quota_key", "amount", "records.measure = 'revenue'"),
    "spend_daily": ("fct_spend_daily", "spend_day_key", "spend", "true"),
} -%}
{#- Where what any source knows is known: see int_people, int_stages__resolved, in_reach. -#}
{%- set shared = ["users", "users.team", "pipeline_stages.stage", "columns"] -%}
{%- set referring = [] -%}
{%- for entity, spec in contract().items() if entity != "field_changes" and spec.references -%}
    {%- do referring.append(entity) -%}
{%- endfor -%}
-- What records point at, by source, column and value: the values that nothing is known of, each,
-- and one row for all that are known.
--
-- Users, teams and stages are looked for in all sources, since the same id means the same person.
-- Another record is looked for in the source of the one that points at it, or, where that has no
-- such records, in all others. A campaign that the own source does not have may be an ad
-- platform's.
-- Records are known that a source has or had, at whatever moment.
with
    targets as (
        select target, source_system, source_instance, target_id
        from {{ ref("int_reference_targets") }}
    ),

    {% for entity in referring %}
        {{ entity }}_records as (
            select
                records.source_instance,
                {%- for column in contract()[entity].references %}
                    records.{{ column }},
                {%- endfor %}
                {% if entity == "opportunities" -%}
                    case when records.is_open or records.is_won then records.amount else 0 end
                {%- elif entity in priced -%}
                    {%- set model, key, amount, has_amount = priced[entity] -%}
                    case when {{ has_amount }} then priced.{{ amount }} else 0 end
                {%- elif entity in money -%}
                    {%- set amount, currency, moment = money[entity] -%}
                    {%- set rate = (
                        fx_rate(
                            "coalesce(records."
                            ~ currency
                            ~ ", '"
                            ~ var("currency")
                            ~ "')",
                            "rates",
                        )
                        if currency
                        else "1"
                    ) -%}
                    {{ reporting_amount("records." ~ amount, rate) }}
                {%- else -%} cast(null as {{ numeric_type() }})
                {%- endif %} as money
            {%- if entity == "opportunities" %}
                -- A deal that was merged away still says into which one.
                from {{ ref("fct_opportunities") }} as records
                where coalesce(records.removal, 'merged') = 'merged'
            {%- else %}
                from {{ ref("int_" ~ entity ~ "__unioned") }} as records
                {%- if entity in priced %}
                        {%- set model, key, amount, has_amount = priced[entity] %}
                    left join {{ ref(model) }} as priced on records.{{ key }} = priced.{{ key }}
                {%- elif entity in money and money[entity][1] %}
                        {%- set amount, currency, moment = money[entity] %}
                    left join
                        {{ ref("int_fx_rates__daily") }} as rates
                        on records.{{ currency }} = rates.currency
                        and least(cast(records.{{ moment }} as date), {{ as_of_day() }})
                        = rates.date_day
                {%- endif %}
                where not records.is_deleted
            {%- endif %}
        ),
    {% endfor %}
    histories as (
        select
            source_instance,
            entity,
            entity_id,
            case
                when entity in ('{{ contract() | join("', '") }}') then entity || '.' || field
            end as field,
            case
                entity || '.' || field
                {%- for entity, spec in contract().items() %}
                    {%- for column, target in spec.references.items() %}
                        when '{{ entity }}.{{ column }}' then '{{ target }}'
                    {%- endfor %}
                {%- endfor %}
            end as value_target,
            field as value_field,
            nullif(old_value, '') as old_value,
            nullif(new_value, '') as new_value,
            changed_by
        from {{ ref("int_field_changes__unioned") }}
        where not is_deleted
    ),

    given as (
        {%- for entity in referring %}
            {%- set references = contract()[entity].references %}
            select
                source_instance,
                '{{ entity }}' as entity,
                case
                    {%- for column in references %}
                        when grouping({{ column }}) = 0 then '{{ column }}'
                    {%- endfor %}
                end as column_name,
                case
                    {%- for column, target in references.items() %}
                        when grouping({{ column }}) = 0 then '{{ target }}'
                    {%- endfor %}
                end as target,
                coalesce({{ references | join(", ") }}, null) as value,
                count(*) as records,
                sum(money) as money,
                {{
                    (
                        "count(*) - count(money)"
                        if entity in money or entity in priced or entity == "opportunities"
                        else "0"
                    )
                }} as without_money
            from {{ entity }}_records
            group by
                grouping sets (
                    {%- for column in references %}
                        (source_instance, {{ column }}){{ ',' if not loop.last }}
                    {%- endfor %}
                )

            union all
        {% endfor %}
        select
            source_instance,
            'field_changes' as entity,
            case
                when grouping(entity_id) = 0
                then 'entity_id'
                when grouping(field) = 0
                then 'field'
                when grouping(changed_by) = 0
                then 'changed_by'
                else value_field
            end as column_name,
            case
                when grouping(entity_id) = 0
                then entity
                when grouping(field) = 0
                then 'columns'
                when grouping(changed_by) = 0
                then 'users'
                else value_target
            end as target,
            coalesce(entity_id, field, changed_by, new_value, old_value) as value,
            count(*) as records,
            null as money,
            0 as without_money
        from histories
        group by
            grouping sets (
                (source_instance, entity, entity_id),
                (source_instance, field),
                (source_instance, value_field, value_target, new_value),
                (source_instance, value_field, value_target, old_value),
                (source_instance, changed_by)
            )

        union all

        select
            units.source_instance,
            'experiment_assignments' as entity,
            'unit_id' as column_name,
            case
                lower(experiments.unit)
                {%- for entity, spec in contract().items() %}
                    when '{{ entity }}'
                    then '{{ entity }}'
                    when '{{ spec.key | replace("_key", "") }}'
                    then '{{ entity }}'
                {%- endfor %}
            end as target,
            units.unit_id as value,
            count(*) as records,
            null as money,
            0 as without_money
        from {{ ref("int_experiment_assignments__unioned") }} as units
        inner join
            {{ ref("int_experiments__unioned") }} as experiments
            on units.source_instance = experiments.source_instance
            and units.experiment_id = experiments.source_id
        where not units.is_deleted
        group by units.source_instance, experiments.unit, units.unit_id
    ),

    providers as (select distinct target, source_instance from targets),

    provided as (select distinct target from targets),

    in_own_source as (select distinct target, source_instance, target_id from targets),

    in_ad_platforms as (
        select distinct target, target_id
        from targets
        where
            target in ('{{ entities_of_ad_platforms() | join("', '") }}')
            and source_system in ('{{ ad_platforms() | join("', '") }}')
    ),

    in_any_source as (
        select target, target_id, min(source_instance) as found_in
        from targets
        group by target, target_id
    ),

    looked_up as (
        select
            given.source_instance,
            given.entity,
            given.column_name,
            given.target,
            given.value,
            given.records,
            given.money,
            given.without_money,
            -- Of what is no entity nobody can know a record.
            provided.target is not null
            or (
                given.entity = 'field_changes'
                and given.column_name = 'entity_id'
                and given.target not in ('{{ contract() | join("', '") }}')
            ) as is_provided,
            case
                when providers.target is null or given.target in ('{{ shared | join("', '") }}')
                then in_any_source.target_id is not null
                else coalesce(in_own_source.target_id, in_ad_platforms.target_id) is not null
            end as is_known,
            in_any_source.found_in
        from given
        left join provided on given.target = provided.target
        left join
            providers
            on given.target = providers.target
            and given.source_instance = providers.source_instance
        left join
            in_own_source
            on given.target = in_own_source.target
            and given.source_instance = in_own_source.source_instance
            and given.value = in_own_source.target_id
        left join
            in_ad_platforms
            on given.target = in_ad_platforms.target
            and given.value = in_ad_platforms.target_id
        left join
            in_any_source
            on given.target = in_any_source.target
            and given.value = in_any_source.target_id
        where given.value is not null and given.target is not null
    ),

    final as (
        select
            source_instance,
            entity,
            column_name,
            target,
            is_provided,
            is_known,
            case when not is_known then value end as value,
            case when not is_known then found_in end as found_in,
            cast(sum(records) as bigint) as records,
            cast(sum(money) as {{ numeric_type() }}) as money,
            cast(sum(without_money) as bigint) as without_money
        from looked_up
        group by
            source_instance,
            entity,
            column_name,
            target,
            is_provided,
            is_known,
            case when not is_known then value end,
            case when not is_known then found_in end
    )

select *
from final
