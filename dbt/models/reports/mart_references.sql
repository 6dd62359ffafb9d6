{#- How many values are named. -#}
{%- set named = 8 -%}
{#- Fewer references than these, or a greater share that resolves, stop no publication. -#}
{%- set enough = 20 -%}
{%- set least_share = 0.1 -%}
{%- set keys = ["source_instance", "entity", "column_name", "target"] -%}
{%- set text = dbt.type_string() -%}
-- Whether what records point at is known: one row per source, entity, column and what it points
-- at, with the values that resolve to nothing and what they may have been meant to be. Besides,
-- merges that go round in a circle or into a deleted deal, and ids to which two sources give
-- different names.
with
    outcomes as (select * from {{ ref("int_references") }}),

    reasons as (select * from {{ ref("int_reference_reasons") }}),

    counted as (
        select
            {{ keys | join(", ") }},
            is_provided,
            sum(records) as n_given,
            sum(case when is_known then records else 0 end) as n_resolved,
            count(case when not is_known then 1 end) as n_unknown_values,
            sum(money) as money,
            sum(case when not is_known then money end) as money_at_stake,
            sum(case when not is_known then without_money else 0 end) as n_without_money
        from outcomes
        group by {{ keys | join(", ") }}, is_provided
    ),

    by_reason as (
        select
            {{ keys | join(", ") }},
            is_provided,
            reason,
            sum(records) as records,
            row_number() over (
                partition by {{ keys | join(", ") }} order by sum(records) desc, reason
            ) as position
        from reasons
        where reason is not null
        group by {{ keys | join(", ") }}, is_provided, reason
    ),

    likely as (
        select
            {{ keys | join(", ") }},
            string_agg(
                case
                    when is_provided
                    then reason || ' (' || {{ grouped("records") }} || ')'
                    else reason
                end,
                ', '
                order by position
            ) as likely_reason,
            max(case when position = 1 then reason end) as likeliest
        from by_reason
        group by {{ keys | join(", ") }}
    ),

    -- An address is personal data: what is published has none, nor names that are not for all.
    samples as (
        select
            {{ keys | join(", ") }},
            string_agg(
                case
                    when value like '%@%'
                    then '(email)'
                    when
                        {{ is_withheld_name("target") }}
                        and (reason like 'name %' or value like '% %')
                    then '(name)'
                    else '''' || value || ''''
                end
                || ' ('
                || {{ grouped("records") }}
                || case when money <> 0 then ', ' || {{ grouped("money") }} else '' end
                || case when is_provided and reason is not null then ': ' || reason else '' end
                || case when meant_id not like '%@%' then ' ''' || meant_id || '''' else '' end
                || ')',
                ', '
                order by position
            ) as samples
        from reasons
        where position <= {{ named }}
        group by {{ keys | join(", ") }}
    ),

    -- Quotas that are part of the company's, and that nothing won counts against.
    attained as (
        select numerator, denominator
        from {{ ref("kpi_values") }}
        where
            metric = 'quota_attainment'
            and variant = 'default'
            and period_grain = 'all'
            and dimension = 'company'
            and denominator > 0
    ),

    idle_members as (
        {%- for column, member in [("owner_id", "rep"), ("team", "own_team")] %}
            select '{{ column }}' as column_name, {{ member }} as value, quota
            from {{ ref("int_quota_attainment__periods") }}
            where
                variant = 'default'
                and period_grain = 'all'
                and dimension = 'company'
                and coalesce(won, 0) = 0
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    idle_quotas as (
        select targets.column_name, sum(idle_members.quota) as quota
        from idle_members
        inner join
            (
                select distinct column_name, value
                from outcomes
                where entity = 'quotas' and not is_known
            ) as targets
            on idle_members.column_name = targets.column_name
            and idle_members.value = targets.value
        group by targets.column_name
    ),

    effects as (
        select
            'quotas' as entity,
            idle_quotas.column_name,
            {{ grouped("idle_quotas.quota") }}
            || ' of it count in the quota of the company, and nothing that is won counts against'
            || ' them: quota_attainment is '
            || {{ percent("attained.numerator / attained.denominator") }}
            || ', '
            || case
                when attained.denominator > idle_quotas.quota
                then
                    'without them '
                    || {{
                        percent(
                            "attained.numerator"
                            ~ " / nullif(attained.denominator - idle_quotas.quota, 0)"
                        )
                    }}
                else 'and there is no other quota'
            end as effect
        from idle_quotas
        cross join attained
        where idle_quotas.quota > 0
    ),

    resolved as (
        select
            {%- for key in keys %} counted.{{ key }}, {%- endfor %}
            case
                when counted.target = 'pipeline_stages.stage' and counted.entity = 'opportunities'
                then 'current_stage_unknown'
                else regexp_replace(counted.column_name, '_id$', '') || '_unknown'
            end as rule,
            counted.is_provided,
            counted.n_given,
            counted.n_resolved,
            counted.n_unknown_values,
            counted.money,
            counted.money_at_stake,
            counted.n_without_money,
            likely.likely_reason,
            likely.likeliest,
            samples.samples,
            effects.effect
        from counted
        {%- for relation in ["likely", "samples"] %}
            left join
                {{ relation }}
                on {% for key in keys %}
                    counted.{{ key }} = {{ relation }}.{{ key }}{{ ' and ' if not loop.last }}
                {%- endfor %}
        {%- endfor %}
        left join
            effects
            on case when counted.n_given > counted.n_resolved then counted.entity end
            = effects.entity
            and counted.column_name = effects.column_name
    ),

    identities as (
        select
            {{ keys | join(", ") }},
            rule,
            true as is_provided,
            count(*) as n_given,
            count(case when not is_found then 1 end) as n_resolved,
            count(case when is_found then 1 end) as n_unknown_values,
            sum(money) as money,
            sum(case when is_found then money end) as money_at_stake,
            count(case when is_found and money is null then 1 end) as n_without_money,
            cast(null as {{ text }}) as likely_reason,
            cast(null as {{ text }}) as likeliest,
            string_agg(
                case when is_found and position <= {{ named }} then sample end,
                ', '
                order by position
            ) as samples,
            cast(null as {{ text }}) as effect
        from {{ ref("int_identity_findings") }}
        group by {{ keys | join(", ") }}, rule
    ),

    united as (
        {%- for relation in ["resolved", "identities"] %}
            select
                {{ keys | join(", ") }},
                rule,
                is_provided,
                n_given,
                n_resolved,
                n_given - n_resolved as n_unresolved,
                n_unknown_values,
                money,
                money_at_stake,
                n_without_money,
                likely_reason,
                likeliest,
                samples,
                effect
            from {{ relation }} {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    judged as (
        select
            *,
            case
                likeliest
                {%- for reason, expression in [
                    ("blanks", "trim(x)"),
                    ("case", "lower(x)"),
                    ("15 against 18 characters", "left(x, 15)"),
                    (".0 at the end", "replace(@, ''.0'', '''')"),
                    ("leading zeros", "ltrim(x, ''0'')"),
                ] %}
                    when '{{ reason }}' then '{{ expression }}'
                {%- endfor %}
            end as remedy,
            {{ ratio("n_unresolved", "n_given") }} as unresolved_share,
            rule like '%unknown'
            and column_name <> 'field'
            and is_provided
            and n_given >= {{ enough }}
            and n_resolved < {{ least_share }} * n_given as is_critical
        from united
    ),

    final as (
        select
            {%- for key in keys + ["rule"] %}
                cast({{ key }} as {{ text }}) as {{ key }},
            {%- endfor %}
            is_provided,
            is_critical,
            cast(n_given as bigint) as n_given,
            cast(n_resolved as bigint) as n_resolved,
            cast(n_unresolved as bigint) as n_unresolved,
            unresolved_share,
            cast(n_unknown_values as bigint) as n_unknown_values,
            cast(money as {{ numeric_type() }}) as money_given,
            cast(money_at_stake as {{ numeric_type() }}) as money_at_stake,
            {{ ratio("money_at_stake", "money") }} as money_share,
            cast(n_without_money as bigint) as n_without_money,
            cast(likely_reason as {{ text }}) as likely_reason,
            cast(samples as {{ text }}) as samples,
            cast(effect as {{ text }}) as effect,
            cast(
                case
                    when n_unresolved > 0
                    then
                        source_instance
                        || '.'
                        || entity
                        || ': '
                        || {{ grouped("n_unresolved") }}
                        || ' of '
                        || {{ grouped("n_given") }}
                        || ' ('
                        || {{ percent("unresolved_share") }}
                        || ') '
                        || case
                            rule
                            when 'merged_in_circle'
                            then 'merges go round in a circle (one deal of it counts)'
                            when 'merged_into_deleted'
                            then 'merges are into a deleted deal (they count no more)'
                            when 'name_differs'
                            then 'ids have different names in two sources'
                            else
                                column_name || case
                                    when entity = 'field_changes' then ' of histories' else ''
                                end
                                || ' resolve to nothing in '
                                || target
                        end
                        || case
                            when money_at_stake <> 0
                            then
                                ', money '
                                || {{ grouped("money_at_stake") }}
                                || ' ('
                                || {{ percent("money_at_stake / nullif(money, 0)") }}
                                || ')'
                            else ''
                        end
                        || ': '
                        || samples
                        || coalesce('; likely: ' || likely_reason, '')
                        || coalesce('; ' || effect, '')
                        || case
                            when is_critical and entity <> 'field_changes' and remedy is not null
                            then
                                '; write '
                                || column_name
                                || ': "'
                                || remedy
                                || '" under entities.'
                                || entity
                                || '.columns in company.yml, x being what is there now, and the ids of '
                                || target
                                || ' alike'
                            else ''
                        end
                end as {{ text }}
            ) as summary
        from judged
    )

select *
from final
