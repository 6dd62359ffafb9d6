{#-
    The frame of the KPIs.

    A metric has its *members*: `int_<metric>__members`, one row per variant and record of the
    population, with the day that dates it, what it adds to numerator and denominator, the key of
    every cut, and the reason where it is excluded. `kpi_<metric>` rolls them up to periods and
    cuts; `kpi_values` unites the metrics, `kpi_exclusions` the excluded members.
-#}
{#- Every metric, in the order of the dictionary; a test finds a model that is missing here. -#}
{% macro kpi_metrics() -%}
    {{
        return(
            [
                "deals_won",
                "deals_lost",
                "deals_no_decision",
                "revenue_won",
                "win_rate",
                "no_decision_rate",
                "average_deal_size",
                "sales_cycle_days",
                "sales_velocity",
                "quota_attainment",
                "reps_at_quota",
                "pipeline_value",
                "pipeline_created",
                "stage_velocity_days",
                "stage_conversion_rate",
                "process_adherence",
                "stalled_value",
                "pipeline_coverage",
                "slippage_rate",
                "push_count",
                "lead_conversion_rate",
            ]
        )
    }}
{%- endmacro %}

{#- The cuts of metrics on deals. -#}
{% macro deal_cuts() -%}
    {{
        return(
            [
                "rep",
                "team",
                "manager",
                "region",
                "segment",
                "lead_source",
                "product",
                "deal_type",
                "pipeline",
            ]
        )
    }}
{%- endmacro %}

{#-
    Cuts that go together: a rep's team and manager follow from the rep, and of what the other cuts
    name there are few.
-#}
{% macro cut_groups(cuts) -%}
    {%- set of_reps = ["rep", "team", "manager"] -%}
    {{
        return(
            [
                of_reps,
                cuts | reject("in", of_reps + ["company"]) | list,
            ]
        )
    }}
{%- endmacro %}

{#- The cuts of metrics on leads. -#}
{% macro lead_cuts() -%}
    {{ return(["rep", "team", "manager", "region", "segment", "channel", "campaign"]) }}
{%- endmacro %}

{#- What identifies a deal among the members of a metric, and the keys of its cuts. -#}
{% macro deal_member() -%}
    'opportunity' as entity,
    opportunity_key as entity_key,
    opportunity_id as entity_id,
    {{ deal_cuts() | join(", ") }}
{%- endmacro %}

{#- One member of each deal that closed as `status`, in the period in which it closed. -#}
{% macro closed_deal_members(status) -%}
    select
        'default' as variant,
        {{ deal_member() }},
        closed_on as period_on,
        1 as numerator,
        cast(null as integer) as denominator,
        closed_exclusion as exclusion_reason
    from {{ ref("int_kpi_deals") }}
    where status = '{{ status }}'
{%- endmacro %}

{#- Reasons of an exclusion that say that a value is not known, not that there is none. -#}
{% macro unknown_reasons() -%}
    ('no_rate', 'no_history', 'no_usual', 'no_probability')
{%- endmacro %}

{#- Whether so much of a state of the past is unknown that the rest of it would mislead. -#}
{% macro is_too_unknown(n_unknown, n_records) -%}
    (coalesce(10 * ({{ n_unknown }}), 0) > coalesce({{ n_records }}, 0))
{%- endmacro %}

{#- The first day of the month of the run's moment, in the company's time zone. -#}
{% macro current_month() -%} {{ month_start(as_of_day()) }} {%- endmacro %}

{#-
    Members rolled up to the rows of `kpi_values`.

    members: relation of the members.
    additive: the value is the numerator, and the parts of a cut add up to the company. Both are
        NULL where nothing is included and something is excluded because its value is not known.
    medians: variants whose value is the median of the numerators; not of a state, nor by_grain.
    months: for a state at period end, the relation of all its months (`month_start`); a longer
        period has the state of its last month, and the company has every month in all `variants`.
        A state of the past is NULL where over a tenth of its records are not known; in a look back
        every state is.
    optional_variants: those of `variants` that a company without members of them has no rows of.
    variant_units: units of the variants whose unit is not that of the metric.
    by_grain: members say by themselves in the periods of which grains they count, in the columns
        `counts_in_month`, `counts_in_quarter`, `counts_in_year` and `counts_in_all`.
-#}
{% macro kpi_rollup(
    members,
    metric,
    unit,
    cuts=none,
    additive=false,
    medians=[],
    months=none,
    variants=["default"],
    optional_variants=[],
    variant_units={},
    by_grain=false
) -%}
    {%- set dimensions = ["company"] + (deal_cuts() if cuts is none else cuts) -%}
    {%- set grains = ["month", "quarter", "year", "all"] -%}
    {%- set flags = (
        ["counts_in_month", "counts_in_quarter", "counts_in_year", "counts_in_all"]
        if by_grain
        else []
    ) -%}
    {%- set state = months is not none -%}
    {%- set groups = cut_groups(dimensions) -%}
    with
        members as (
            select
                variant,
                {%- for dimension in dimensions if dimension != "company" %}
                    {{ dimension }},
                {%- endfor %}
                {{ month_start("period_on") }} as month_start,
                {%- for flag in flags %} {{ flag }}, {%- endfor %}
                case when exclusion_reason is null then numerator end as numerator,
                case when exclusion_reason is null then denominator end as denominator,
                case when exclusion_reason is null then 1 end as is_included,
                case when exclusion_reason is not null then 1 end as is_excluded
                {%- if additive %}
                    , case when exclusion_reason in {{ unknown_reasons() }} then 1 end as is_unknown
                {%- endif %}
            from {{ members }}
        ),

        {#- The cuts of a group go together: there are far fewer of their cells than members. #}
        cells as (
            select
                variant,
                month_start,
                {%- for dimension in dimensions if dimension != "company" %}
                    {{ dimension }},
                {%- endfor %}
                {%- for flag in flags %} {{ flag }}, {%- endfor %}
                {%- for group in groups %}
                    grouping({{ group[0] }}) as not_by_{{ group[0] }},
                {%- endfor %}
                sum(numerator) as numerator,
                sum(denominator) as denominator,
                count(is_included) as n_included,
                count(is_excluded) as n_excluded
                {{- ', count(is_unknown) as n_unknown' if additive }}
            from members
            {%- if medians %} where variant not in ('{{ medians | join("', '") }}') {%- endif %}
            group by
                grouping sets (
                    {%- for group in groups %}
                        ({{ (["variant", "month_start"] + group + flags) | join(", ") }})
                        {{- ',' if not loop.last }}
                    {%- endfor %}
                )
        ),

        by_month as (
            {%- for group in groups %}
                {%- set is_last = loop.last %}
                {%- for dimension in group + (["company"] if is_last else []) %}
                    select
                        variant,
                        month_start,
                        '{{ dimension }}' as dimension,
                        {{ "'all'" if dimension == "company" else dimension }} as dimension_key,
                        {%- for flag in flags %} {{ flag }}, {%- endfor %}
                        sum(numerator) as numerator,
                        sum(denominator) as denominator,
                        sum(n_included) as n_included,
                        sum(n_excluded) as n_excluded
                        {{- ', sum(n_unknown) as n_unknown' if additive }}
                    from cells
                    where not_by_{{ group[0] }} = 0
                    group by
                        {{
                            (
                                ["variant", "month_start"]
                                + ([dimension] if dimension != "company" else [])
                                + flags
                            ) | join(", ")
                        }}
                        {{ 'union all' if not (is_last and loop.last) }}
                {%- endfor %}
            {%- endfor %}
            {%- if state %}
                {%- for variant in variants %}

                    union all

                    select
                        '{{ variant }}' as variant,
                        months.month_start,
                        'company' as dimension,
                        'all' as dimension_key,
                        {%- for flag in flags %} true as {{ flag }}, {%- endfor %}
                        0 as numerator,
                        0 as denominator,
                        0 as n_included,
                        0 as n_excluded
                        {{- ', 0 as n_unknown' if additive }}
                    from {{ months }} as months
                    {%- if variant in optional_variants %}
                        where exists (select 1 from members where variant = '{{ variant }}')
                    {%- endif %}
                {%- endfor %}
            {%- endif %}
        ),

        by_period as (
            {%- for grain in grains %}
                select
                    variant,
                    '{{ grain }}' as period_grain,
                    {{ kpi_period_start("month_start", grain) }} as period_start,
                    dimension,
                    dimension_key,
                    sum(numerator) as numerator,
                    sum(denominator) as denominator,
                    sum(n_included) as n_included,
                    sum(n_excluded) as n_excluded
                    {%- if additive %}, sum(n_unknown) as n_unknown {%- endif %}
                    {%- if state %}
                        ,
                        max(month_start) < {{ current_month() }} or {{ is_look_back() }} as is_past
                    {%- endif %}
                from by_month
                where
                    {{ kpi_month_counts("month_start", grain, state) }}{{ ' and counts_in_' ~ grain if by_grain }}
                group by
                    variant,
                    dimension,
                    dimension_key{{ ', ' ~ kpi_period_start('month_start', grain) if grain != 'all' }}
                    {{ 'union all' if not loop.last }}
            {%- endfor %}
        ),

        {%- if medians %}
            measured as (
                select
                    variant,
                    {%- for dimension in dimensions if dimension != "company" %}
                        {{ dimension }},
                    {%- endfor %}
                    {%- for grain in grains %}
                        {{ kpi_period_start("month_start", grain) }} as {{ grain }}_start,
                    {%- endfor %}
                    cast(numerator as {{ double_type() }}) as measure,
                    is_included,
                    is_excluded
                from members
                where variant in ('{{ medians | join("', '") }}')
            ),
        {% endif %}

        valued as (
            select
                variant,
                period_grain,
                period_start,
                dimension,
                dimension_key,
                {%- if additive %}
                    {%- set total = kpi_total(state) %}
                    cast({{ total }} as {{ double_type() }}) as value,
                    cast({{ total }} as {{ numeric_type() }}) as numerator,
                    cast(null as {{ numeric_type() }}) as denominator,
                {%- else %}
                    {{ ratio("numerator", "denominator") }} as value,
                    cast(coalesce(numerator, 0) as {{ numeric_type() }}) as numerator,
                    cast(coalesce(denominator, 0) as {{ numeric_type() }}) as denominator,
                {%- endif %}
                n_included,
                n_excluded
            from by_period
            {%- for grain in grains if medians %}
                {%- for dimension in dimensions %}

                    union all

                    select
                        variant,
                        '{{ grain }}' as period_grain,
                        {{ grain }}_start as period_start,
                        '{{ dimension }}' as dimension,
                        {{ "'all'" if dimension == "company" else dimension }} as dimension_key,
                        {{ median("measure") }} as value,
                        cast(null as {{ numeric_type() }}) as numerator,
                        cast(null as {{ numeric_type() }}) as denominator,
                        count(is_included) as n_included,
                        count(is_excluded) as n_excluded
                    from measured
                    {%- if grain != "all" %} where month_start is not null {%- endif %}
                    group by
                        variant, {{ grain }}_start {{- ', ' ~ dimension if dimension != 'company' }}
                {%- endfor %}
            {%- endfor %}
        )

        {{ kpi_rows("valued", metric, unit, variant_units) }}
{%- endmacro %}

{#- What an additive metric adds up to in a period of `kpi_rollup`; NULL where that is not known. -#}
{% macro kpi_total(state) -%}
    case
        when n_included = 0 and n_unknown > 0
        then null
        {%- if state %}
            when is_past and {{ is_too_unknown("n_unknown", "n_included + n_excluded") }} then null
        {%- endif %}
        else coalesce(numerator, 0)
    end
{%- endmacro %}

{#- The first day of the period of a month; NULL where the period is all time. -#}
{% macro kpi_period_start(month, grain) -%}
    {{ "cast(null as date)" if grain == "all" else fiscal_period_start(month, grain) }}
{%- endmacro %}

{#- Whether the period of a row of `kpi_values` has ended by a day; of all time it never has. -#}
{% macro period_has_ended(row, day) -%}
    case
        {{ row }}.period_grain
        {%- for grain, months in [("month", 1), ("quarter", 3), ("year", 12)] %}
            when '{{ grain }}'
            then cast({{ dbt.dateadd("month", months, row ~ ".period_start") }} as date)
        {%- endfor %}
    end
    <= {{ day }}
{%- endmacro %}

{#- Whether a month has a part in the periods of a grain. -#}
{% macro kpi_month_counts(month, grain, state) -%}
    {%- if not state -%} {{ "true" if grain == "all" else month ~ " is not null" }}
    {%- elif grain == "month" -%} {{ month }} is not null
    {%- elif grain == "all" -%} {{ month }} = {{ current_month() }}
    {%- else -%}
        (
            {{ month }} = {{ current_month() }}
            or {{ fiscal_period_start(dbt.dateadd("month", 1, month), grain) }}
            <> {{ fiscal_period_start(month, grain) }}
        )
    {%- endif -%}
{%- endmacro %}

{#- Valued rows in the shape of `kpi_values`: metric and unit named, cuts labelled. -#}
{% macro kpi_rows(valued, metric, unit, variant_units={}) -%}
    select
        cast('{{ metric }}' as {{ dbt.type_string() }}) as metric,
        cast(valued.variant as {{ dbt.type_string() }}) as variant,
        cast(
            {%- if variant_units %}
                case
                    valued.variant
                    {%- for variant, variant_unit in variant_units.items() %}
                        when '{{ variant }}' then '{{ variant_unit }}'
                    {% endfor %}
                    else '{{ unit }}'
                end
            {%- else %}'{{ unit }}'
            {% endif %} as {{ dbt.type_string() }}
        ) as unit,
        cast(valued.period_grain as {{ dbt.type_string() }}) as period_grain,
        cast(valued.period_start as date) as period_start,
        cast(valued.dimension as {{ dbt.type_string() }}) as dimension,
        cast(valued.dimension_key as {{ dbt.type_string() }}) as dimension_key,
        cast(
            coalesce(labels.label, valued.dimension_key) as {{ dbt.type_string() }}
        ) as dimension_label,
        cast(valued.value as {{ double_type() }}) as value,
        cast(valued.numerator as {{ numeric_type() }}) as numerator,
        cast(valued.denominator as {{ numeric_type() }}) as denominator,
        cast(valued.n_included as bigint) as n_included,
        cast(valued.n_excluded as bigint) as n_excluded,
        {{ as_of() }} as as_of,
        {{ run_id() }} as run_id
    from {{ valued }} as valued
    left join
        {{ ref("int_dimension_labels") }} as labels
        on valued.dimension = labels.dimension
        and valued.dimension_key = labels.dimension_key
{%- endmacro %}
