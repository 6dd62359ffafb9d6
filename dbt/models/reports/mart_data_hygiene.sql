{%- set hygiene = hygiene_rules() -%}
{%- set entities = hygiene.entities -%}
-- What to fix first: per entity, rep and rule, how many records break it and what money hangs on
-- them. `all` stands for all entities, all reps, all rules, and counts each record once. Where
-- nobody knows the money of any of the failing records there is none: NULL, not 0.
with
    {%- for entity, spec in entities.items() %}
        {{ entity }}_records as (
            select
                {{ "coalesce(rep_id, '(none)')" if spec.has_rep else "'(none)'" }} as rep_id,
                source_id,
                {{
                    (
                        "amount_at_stake"
                        if spec.has_amount
                        else "cast(0 as " ~ numeric_type() ~ ")"
                    )
                }} as open_money,
                {{
                    (
                        "won_amount_at_stake"
                        if entity == "opportunity"
                        else "cast(0 as " ~ numeric_type() ~ ")"
                    )
                }} as won_money,
                {%- for rule in spec.rules %} {{ rule }}, {%- endfor %}
                {% for rule in spec.rules %}
                    {{ rule }} is not null {{ "or" if not loop.last }}
                {%- endfor %} as is_judged,
                {%- for kind, rules in [
                    ("open", spec.rules | reject("in", hygiene.of_won) | list),
                    ("won", spec.rules | select("in", hygiene.of_won) | list),
                ] %}
                    {% for rule in rules %} coalesce({{ rule }}, false) or {% endfor %}
                    false as is_{{ kind }}_money_at_stake{{ ',' if not loop.last }}
                {%- endfor %}
            from {{ ref("fct_" ~ entity ~ "_hygiene") }}
        ),

        {{ entity }}_totals as (
            select
                {{
                    (
                        "case when grouping(rep_id) = 1 then 'all' else rep_id end"
                        if spec.has_rep
                        else "'all'"
                    )
                }} as rep_id,
                {%- for rule in spec.rules %}
                    count({{ rule }}) as {{ rule }}_records,
                    count(case when {{ rule }} then 1 end) as {{ rule }}_failing,
                    {%- set money = ("won" if rule in hygiene.of_won else "open") ~ "_money" %}
                    sum(case when {{ rule }} then {{ money }} end) as {{ rule }}_money,
                    count(
                        case when {{ rule }} and {{ money }} is null then 1 end
                    ) as {{ rule }}_unknown,
                    min(case when {{ rule }} then source_id end) as {{ rule }}_first,
                    max(case when {{ rule }} then source_id end) as {{ rule }}_last,
                {%- endfor %}
                sum(open_money) as all_open_money,
                sum(won_money) as all_won_money,
                sum(
                    coalesce(case when is_open_money_at_stake then open_money end, 0)
                    + coalesce(case when is_won_money_at_stake then won_money end, 0)
                ) as any_rule_money,
                count(case when is_judged then 1 end) as any_rule_records,
                count(
                    case when is_open_money_at_stake or is_won_money_at_stake then 1 end
                ) as any_rule_failing,
                count(
                    case
                        when
                            (is_open_money_at_stake and open_money is null)
                            or (is_won_money_at_stake and won_money is null)
                        then 1
                    end
                ) as any_rule_unknown
            from {{ entity }}_records {{ 'group by grouping sets ((), (rep_id))' if spec.has_rep }}
        ),
    {% endfor %}
    by_rule as (
        {%- for entity, spec in entities.items() %}
            {%- set entity_loop = loop %}
            {%- for rule in spec.rules %}
                {%- set money = "won" if rule in hygiene.of_won else "open" %}
                {{ 'union all' if not (loop.first and entity_loop.first) }}
                select
                    '{{ spec.name }}' as entity,
                    rep_id,
                    '{{ rule }}' as rule,
                    {{ entity_loop.index * 100 + loop.index }} as rule_number,
                    '{{ "high" if rule in hygiene.high else "low" }}' as severity,
                    {{ rule }}_records as records,
                    {{ rule }}_failing as failing,
                    '{{ spec.money_kind or money }}' as money_kind,
                    {{ known_money(rule ~ "_money", rule ~ "_failing", rule ~ "_unknown") }}
                    as money_at_stake,
                    {{ rule }}_unknown as failing_without_amount,
                    {{
                        ratio(
                            known_money(rule ~ "_money", rule ~ "_failing", rule ~ "_unknown"),
                            "all_" ~ money ~ "_money",
                        )
                    }} as money_share,
                    any_rule_records,
                    any_rule_failing,
                    {{ known_money("any_rule_money", "any_rule_failing", "any_rule_unknown") }}
                    as any_rule_money,
                    any_rule_unknown,
                    case
                        when {{ rule }}_first = {{ rule }}_last
                        then {{ rule }}_first
                        else {{ rule }}_first || ', ' || {{ rule }}_last
                    end as example_keys
                from {{ entity }}_totals
                where {{ rule }}_records > 0
            {%- endfor %}
        {%- endfor %}
    ),

    -- References that resolve to nothing. Stages in histories are a rule of the deals already.
    of_references as (
        select
            entity,
            'all' as rep_id,
            rule,
            10000 + row_number() over (order by entity, rule) as rule_number,
            case
                when rule in ('{{ hygiene.of_figures | join("', '") }}') then 'high' else 'low'
            end as severity,
            sum(n_given) as records,
            sum(n_unresolved) as failing,
            case
                entity
                when 'opportunities'
                then 'open and won'
                when 'quotas'
                then 'quota'
                else 'recorded'
            end as money_kind,
            {{ known_money("sum(money_at_stake)", "sum(n_unresolved)", "sum(n_without_money)") }}
            as money_at_stake,
            sum(n_without_money) as failing_without_amount,
            {{ ratio("sum(money_at_stake)", "sum(money_given)") }} as money_share,
            max(samples) as example_keys
        from {{ ref("mart_references") }}
        where
            is_provided
            and n_unresolved > 0
            and not (entity = 'field_changes' and rule = 'stage_unknown')
        group by entity, rule
    ),

    rules as (
        {%- for relation in ["by_rule", "of_references"] %}
            select
                entity,
                rep_id,
                rule,
                rule_number,
                severity,
                records,
                failing,
                money_kind,
                money_at_stake,
                failing_without_amount,
                money_share,
                example_keys
            from {{ relation }} {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    ranked as (
        select
            *,
            case
                when failing > 0
                then
                    row_number() over (
                        partition by rep_id, case when failing > 0 then 1 else 0 end
                        order by
                            abs(coalesce(money_at_stake, 0)) desc,
                            case when severity = 'high' then 0 else 1 end,
                            failing desc,
                            rule_number
                    )
            end as fix_rank
        from rules
    ),

    by_entity as (
        select
            entity,
            rep_id,
            max(any_rule_records) as records,
            max(any_rule_failing) as failing,
            max(any_rule_money) as money_at_stake,
            max(any_rule_unknown) as failing_without_amount
        from by_rule
        group by entity, rep_id
    ),

    -- An account's money is that of its deals, and what was invoiced or spent is other money: over
    -- all entities it is that of the deals.
    overall as (
        select
            rep_id,
            sum(records) as records,
            sum(failing) as failing,
            case
                when count(case when entity = 'opportunities' then 1 end) = 0
                then 0
                else max(case when entity = 'opportunities' then money_at_stake end)
            end as money_at_stake,
            coalesce(
                max(case when entity = 'opportunities' then failing_without_amount end), 0
            ) as failing_without_amount
        from by_entity
        group by rep_id
    ),

    united as (
        select
            entity,
            rep_id,
            rule,
            severity,
            records,
            failing,
            money_kind,
            money_at_stake,
            failing_without_amount,
            money_share,
            fix_rank,
            example_keys
        from ranked

        union all

        select
            entity,
            rep_id,
            'all' as rule,
            'all' as severity,
            records,
            failing,
            'all' as money_kind,
            money_at_stake,
            failing_without_amount,
            null as money_share,
            null as fix_rank,
            null as example_keys
        from by_entity

        union all

        select
            'all' as entity,
            rep_id,
            'all' as rule,
            'all' as severity,
            records,
            failing,
            'all' as money_kind,
            money_at_stake,
            failing_without_amount,
            null as money_share,
            null as fix_rank,
            null as example_keys
        from overall
    ),

    final as (
        select
            entity,
            rep_id,
            rule,
            severity,
            cast(records as bigint) as records,
            cast(failing as bigint) as failing,
            cast(records - failing as {{ double_type() }}) / nullif(records, 0) as score,
            cast(money_kind as {{ dbt.type_string() }}) as money_kind,
            cast(money_at_stake as {{ numeric_type() }}) as money_at_stake,
            cast(failing_without_amount as bigint) as failing_without_amount,
            cast(money_share as {{ double_type() }}) as money_share,
            cast(fix_rank as integer) as fix_rank,
            cast(example_keys as {{ dbt.type_string() }}) as example_keys
        from united
    )

select *
from final
