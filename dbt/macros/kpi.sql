{#-
    The frame of the KPIs.

    A metric is its *members*: `models/kpis/<subject>/<metric>.sql`, one row per variant and record
    of the population: the day that dates it (`period_on`), the key of every cut, what it adds to
    numerator and denominator, and the reason where it is excluded. The YAML beside it says what they
    come to. `kpi_members` unites them, `kpi_month_cells` adds them up by month and cut, `kpi_medians`
    has their medians, and `kpi_values` makes the numbers of all periods of these; `kpi_exclusions`
    are the excluded ones.

    What the YAML says, under `meta`:

    order: the place in the dictionary.
    kind: `sum`: the value is the numerator, and the parts of a cut add up to the company. `share`:
        numerator / denominator, of counts, from 0 to 1. `quotient`: any other; a mean is one.
        `median` of the numerators; not of a state. `product` of other metrics, see below.
    unit: what the value counts.
    cuts: `deal`, `lead`, `customer` and `owner` stand for theirs.
    state: the members are of a moment of the period (its `beginning`, its `end`, or `now`); where it
        is of the past and over a tenth is not known, there is no value. One of the `end` has a row
        per month; a longer period has the state of its last month, the company every month.
    months: of a state of the `end`, `own` where the company has only the months that a member is of,
        be it one on a `side`; else from the first deal on.
    weeks: true where there are weeks (ISO), too.
    dated: false where the members have no day: there is no period but all time.
    says: what the members say of themselves beside the usual columns. `counts_in`: in the periods of
        which grains one counts, as in 'month quarter' (else all). `side`: what stands beside the
        records and adds to the `numerator` or the `denominator` only. `company`: 'all' or, where it
        does not count in the company, NULL, as in any cut.
    excluded_by_period: true where a record may be excluded from one period and count in another.
    sample: `none` where the records are no sample, as what they are divided by is a target or time:
        it says as much of few of them. Of a sum always so.
    grows: true where the value of a period that goes on is not yet one to set beside a whole one's.
        Of a sum that is no state always so.
    matures: true where records go on to change the value of a period that has ended.
    of, numerator, denominator: of a product, the metrics that it is made of, and how.
    variants: the formula of each by its name, the usual one `default`; or `formula` and whatever of
        the above differs. `optional`: a company without members has no rows of a state's variant.
        `least_denominator`: it never gets lower.
-#}
{#- What the YAML of a metric says, its cuts written out; nothing while dbt parses. -#}
{% macro kpi_meta(metric) -%}
    {%- set meta = {"variants": {}, "cuts": []} -%}
    {%- if execute -%}
        {%- do meta.update(graph.nodes["model.salesops." ~ metric].config.meta) -%}
    {%- endif -%}
    {%- set cuts = [] -%}
    {%- for cut in meta.cuts -%}
        {%- if cut == "deal" -%} {%- do cuts.extend(deal_cuts()) -%}
        {%- elif cut == "lead" -%} {%- do cuts.extend(lead_cuts()) -%}
        {%- elif cut == "customer" -%} {%- do cuts.extend(customer_cuts()) -%}
        {%- elif cut == "owner" -%} {%- do cuts.extend(owner_cuts()) -%}
        {%- else -%} {%- do cuts.append(cut) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(dict(meta, cuts=cuts)) }}
{%- endmacro %}

{#- The settings of each variant of each metric. -#}
{% macro kpi_variants() -%}
    {%- set found = [] -%}
    {%- for metric in kpi_metrics() -%}
        {%- set meta = kpi_meta(metric) -%}
        {%- for variant, said in meta.variants.items() -%}
            {%- set own = {"formula": said} if said is string else said -%}
            {%- do found.append(dict(meta, metric=metric, variant=variant, **own)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Whether a row of `kpi_variants` is of one whose YAML says a word: `sample: none`, `matures: true`. -#}
{% macro kpi_says(row, key, word) -%}
    {%- set named = [] -%}
    {%- for variant in kpi_variants() if variant[key] == word -%}
        {%- do named.append("'" ~ variant.metric ~ " " ~ variant.variant ~ "'") -%}
    {%- endfor -%}
    {%- if named -%} {{ row }}.metric || ' ' || {{ row }}.variant in ({{ named | join(", ") }})
    {%- else -%} false
    {%- endif -%}
{%- endmacro %}

{#- The cuts of all metrics; `company` is the one that cuts nothing. -#}
{% macro kpi_cuts() -%}
    {%- set found = ["company"] -%}
    {%- for metric in kpi_metrics() -%}
        {%- do found.extend(kpi_meta(metric).cuts) -%}
    {%- endfor -%}
    {{ return(found | unique | list) }}
{%- endmacro %}

{#- The cuts that whatever has an owner has by that owner. -#}
{% macro owner_cuts() -%}
    {{ return(["rep", "team", "manager", "region", "segment"]) }}
{%- endmacro %}

{#- The cuts of metrics on deals. -#}
{% macro deal_cuts() -%}
    {{
        return(
            owner_cuts()
            + ["lead_source", "product", "deal_type", "pipeline"]
            + extra_cuts("opportunities")
        )
    }}
{%- endmacro %}

{#- The cuts of metrics on leads. -#}
{% macro lead_cuts() -%}
    {{ return(owner_cuts() + ["channel", "campaign"] + extra_cuts("leads")) }}
{%- endmacro %}

{#- What identifies a deal among the members of a metric, and the keys of its cuts. -#}
{% macro deal_member() -%}
    opportunity_key,
    'opportunity' as entity,
    opportunity_key as entity_key,
    opportunity_id as entity_id,
    {{ deal_cuts() | join(", ") }}
{%- endmacro %}

{#-
    What identifies a lead among the members of a metric, the keys of its cuts, and its day: it is its
    present owner's, and of the team and manager that the owner had when it was created.
-#}
{% macro lead_keys() -%}
    leads.lead_key as entity_key,
    leads.source_id as entity_id,
    {{ or_none("leads.owner_id") }} as rep,
    {{ or_none("versions.team") }} as team,
    {{ or_none("versions.manager_id") }} as manager,
    {{ or_none("reps.region") }} as region,
    {{ or_none("reps.segment") }} as segment,
    {{ or_none("leads.reached_by") }} as channel,
    {{ or_none("leads.campaign_id") }} as campaign,
    {{ extra_cuts_of("leads", "leads") }}
    {{ local_day("leads.created_at") }} as created_on
{%- endmacro %}

{#- The columns of the cell of a member or of a month; one without a day is of a month that compares. -#}
{% macro kpi_cell(month) -%}
    {{
        return(
            {
                "metric": "metric",
                "variant": "variant",
                "month_start": "coalesce(" ~ month ~ ", date '0001-01-01')",
            }
        )
    }}
{%- endmacro %}

{#- The same as one value. -#}
{% macro kpi_cell_key(month) -%} ({{ kpi_cell(month).values() | join(", ") }}) {%- endmacro %}

{#- The owners of leads, for `lead_keys`. -#}
{% macro owners_of_leads() -%}
    left join reps on leads.owner_id = reps.rep_id
    left join
        versions
        on leads.owner_id = versions.rep_id
        and {{ is_version_at("versions", "leads.created_at") }}
{%- endmacro %}

{#- The keys of a row that counts in one cell only, named by `dimension` and `dimension_key`. -#}
{% macro keys_of_cell(cuts, row=none) -%}
    {%- set row = row ~ "." if row else "" -%}
    {%- for cut in cuts %}
        case when {{ row }}dimension = '{{ cut }}' then {{ row }}dimension_key end as {{ cut }}
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Reasons of an exclusion that say that a value is not known, not that there is none. -#}
{% macro unknown_reasons() -%}
    (
        'no_rate',
        'no_history',
        'no_usual',
        'no_probability',
        'unknown_status',
        'no_ended_at',
        'no_paid_at'
    )
{%- endmacro %}

{#- Whether so much of a state of the past is unknown that the rest of it would mislead. -#}
{% macro is_too_unknown(n_unknown, n_records) -%}
    (coalesce(10 * ({{ n_unknown }}), 0) > coalesce({{ n_records }}, 0))
{%- endmacro %}

{#- The first day of the month of the run's moment, in the company's time zone. -#}
{% macro current_month() -%} {{ month_start(as_of_day()) }} {%- endmacro %}

{#- The first day of the period of a day; NULL where the period is all time. -#}
{% macro kpi_period_start(day, grain) -%}
    {%- if grain == "all" -%} cast(null as date)
    {%- elif grain == "week" -%} cast({{ dbt.date_trunc("week", day) }} as date)
    {%- else -%} {{ fiscal_period_start(day, grain) }}
    {%- endif -%}
{%- endmacro %}

{#- Whether the period of a row of `kpi_values` has ended by a day; of all time it never has. -#}
{% macro period_has_ended(row, day) -%}
    case
        {{ row }}.period_grain
        {%- for grain, months in [("month", 1), ("quarter", 3), ("year", 12)] %}
            when '{{ grain }}'
            then cast({{ dbt.dateadd("month", months, row ~ ".period_start") }} as date)
        {%- endfor %}
        when 'week'
        then cast({{ dbt.dateadd("day", 7, row ~ ".period_start") }} as date)
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
