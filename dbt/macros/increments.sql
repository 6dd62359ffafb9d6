{#-
    Increments: models that recompute only the records that may have changed since the last build.

    A model says so in its first line: `{{ increment("news", of=[...]) }}`. Its SQL stays as it is. Of
    the inputs in `of` it reads, in an increment, only the rows of the records in a set: `news` are
    those of which an input changed or a moment has passed, `clocked` are these and all deals that
    have not closed. Its own rows of the set are replaced. All other inputs are compared with what the
    last build read, by their content: where one differs, the model is built whole, and so are those
    that read it by record. docs/decisions/0045-increments.md has the reasons.

    set: the model whose rows are the records to recompute; the key of a record is in both.
    of: the inputs that are read by record; where it is not by `key`, a dictionary says by which
        columns: of the input, and of the set. Views among them are read through.
    compared: of an input that is compared, which rows matter, where not all do: `{rows}` is the input,
        `{settled}` the day from which on deals are recomputed anyway. Also inputs that the model
        reads by way of another.
    apart: inputs that matter only to records of the set.
    materialized: `view` of one that others read through.
-#}
{% macro increment(set, of, key="opportunity_key", compared={}, apart=[], materialized="increment") -%}
    {%- set columns = {} -%}
    {%- for input in of -%}
        {%- do columns.update({input: of[input] if of is mapping else [key, key]}) -%}
    {%- endfor -%}
    {{
        config(
            materialized=materialized,
            meta={
                "increment": {
                    "set": "int_opportunities__" ~ set,
                    "key": key,
                    "of": columns,
                    "compared": compared,
                    "apart": apart,
                }
            }
        )
    }}
    {%- if not execute -%}
        {{ ref("int_opportunities__" ~ set) }}
        {%- for input in compared -%} {{ ref(input) }} {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- By which columns what is told of a source's records is read by record. -#}
{% macro of_records() -%}
    {{ return(["(source_instance, entity_id)", "(source_instance, source_id)"]) }}
{%- endmacro %}

{% materialization increment, default %}
    {%- set spec = config.get("meta").increment -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set is_whole = is_built_whole(spec, existing) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement("main") -%}
        {%- if is_whole %}
            {%- if existing is not none %}
                drop {{ existing.type }} if exists {{ existing }} cascade ;
            {% endif %}
            {{ get_create_table_as_sql(False, this.incorporate(type="table"), sql) }}
        {%- else %}
            {%- set records -%}
                {{ spec.key }} in (select {{ spec.key }} from {{ relation_of(spec.set) }})
            {%- endset %}
            create temporary table recomputed as {{ by_record(sql, spec) }} ;
            delete from {{ this }} where {{ records }} ;
            insert into {{ this }} select * from recomputed ;
            drop table recomputed ;
        {%- endif %}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [this.incorporate(type="table")]}) }}
{% endmaterialization %}

{#-
    Whether a model is built whole: all are, or an input that is compared differs, or one that is
    read by record was built whole itself. What was read is put down for the next build.
-#}
{% macro is_built_whole(spec, existing) -%}
    {%- set found = namespace(whole=existing is none or not is_increment()) -%}
    {%- set inputs = compared_inputs(model, spec) -%}
    {%- if inputs and not found.whole -%}
        {%- set told = digests_told(model.name) -%}
        {%- for input, digest in digests(inputs, last_settled_day()).items() if told.get(input) != digest -%}
            {%- set found.whole = true -%}
            {%- do log(model.name ~ ": built whole, as " ~ input ~ " has changed", info=true) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if not found.whole -%}
        {%- set read = "'" ~ spec.of.keys() | join("', '") ~ "'" -%}
        {%- for row in run_query("select model from build.built_whole where model in (" ~ read ~ ")").rows -%}
            {%- set found.whole = true -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if found.whole -%}
        {%- do run_query("insert into build.built_whole values ('" ~ model.name ~ "')") -%}
    {%- endif -%}
    {%- if inputs -%} {%- do put_digests(model.name, digests(inputs, settled_day())) -%} {%- endif -%}
    {{ return(found.whole) }}
{%- endmacro %}

{#- The rows of the inputs of a model that are compared, by input: those of views that it reads through, too. -#}
{% macro compared_inputs(node, spec) -%}
    {%- set found = {} -%}
    {%- for id in node.depends_on.nodes -%}
        {%- set input = id.split(".")[-1] -%}
        {%- set through = increment_of(input) -%}
        {%- if input in spec.of and through and graph.nodes[id].config.materialized == "view" -%}
            {%- do found.update(compared_inputs(graph.nodes[id], through)) -%}
        {%- elif input not in spec.of and input not in spec.apart and input != spec.set -%}
            {%- set rows = spec.compared.get(input, "select * from {rows}") -%}
            {%- do found.update({input: rows | replace("{rows}", relation_of(input))}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- The statement of a model with the inputs that it reads by record cut to the records of the set. -#}
{% macro by_record(statement, spec) -%}
    {%- set cut = namespace(sql=statement) -%}
    {%- for input in spec.of -%}
        {%- set cut.sql = cut.sql | replace(relation_of(input), "{" ~ input ~ "}") -%}
    {%- endfor -%}
    {%- for input, (column, set_column) in spec.of.items() -%}
        {%- set through = increment_of(input) -%}
        {%- set rows = relation_of(input) -%}
        {%- if through and graph.nodes["model.salesops." ~ input].config.materialized == "view" -%}
            {%- set told = run_query("select sql from build.views where model = '" ~ input ~ "'") -%}
            {%- set rows = "(" ~ by_record(of_this_run(told.rows[0][0]), through) ~ ") as rows" -%}
        {%- endif -%}
        {%- set records -%}
            (select * from {{ rows }} where {{ column }} in (
                select {{ set_column }} from {{ relation_of(spec.set) }}))
        {%- endset -%}
        {%- set cut.sql = cut.sql | replace("{" ~ input ~ "}", records) -%}
    {%- endfor -%}
    {{ return(cut.sql) }}
{%- endmacro %}

{#- What the first line of a model says, if it has one. -#}
{% macro increment_of(model) -%}
    {%- set node = graph.nodes.get("model.salesops." ~ model) -%}
    {{ return(node.config.meta.get("increment") if node else none) }}
{%- endmacro %}

{% macro relation_of(model) -%}
    {{ return(graph.nodes["model.salesops." ~ model].relation_name) }}
{%- endmacro %}

{% macro is_increment() -%}
    {{ return(run_value("SALESOPS_BUILD", "whole") == "increment") }}
{%- endmacro %}

{#-
    What is of before this day has been settled: rates of the last week may still come, so that deals
    that closed in it are recomputed with the open ones.
-#}
{% macro settled_day(moment=none) -%}
    ({{ local_day(moment or as_of()) }} - interval '7 days')
{%- endmacro %}

{#- That day as of the last build. -#}
{% macro last_settled_day() -%}
    (select {{ settled_day("as_of") }} from build.last_build)
{%- endmacro %}

{#- Digests of what is compared, by input. -#}
{% macro digests(inputs, settled) -%}
    {%- set statements = [] -%}
    {%- for input, rows in inputs.items() -%}
        {%- set rows = rows | replace("{settled}", settled) -%}
        {%- do statements.append(
            "select '" ~ input ~ "' as input, " ~ digest_of_rows() ~ " as digest from (" ~ rows ~ ") as rows"
        ) -%}
    {%- endfor -%}
    {%- set found = {} -%}
    {%- for row in run_query(statements | join(" union all ")).rows -%}
        {%- do found.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro digests_told(model) -%}
    {%- set found = {} -%}
    {%- for row in run_query("select input, digest from build.inputs_read where model = '" ~ model ~ "'").rows -%}
        {%- do found.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro put_digests(model, digests) -%}
    {%- set rows = [] -%}
    {%- for input, digest in digests.items() -%}
        {%- do rows.append("('" ~ model ~ "', '" ~ input ~ "', '" ~ digest ~ "')") -%}
    {%- endfor -%}
    {%- do run_query("delete from build.inputs_read where model = '" ~ model ~ "'") -%}
    {%- do run_query("insert into build.inputs_read values " ~ rows | join(", ")) -%}
{%- endmacro %}

{#- The views are those of the last build but for the run's own values: all are had at once. -#}
{% macro renew_views() -%}
    {%- for row in run_query("select relation, sql from build.views").rows -%}
        {%- do run_query("create or replace view " ~ row[0] ~ " as " ~ of_this_run(row[1])) -%}
    {%- endfor -%}
{%- endmacro %}

{#- The tables of what builds leave for the next one, with their columns. -#}
{% macro build_tables() -%}
    {{
        return(
            {
                "last_build": "as_of timestamp, known_at timestamp, made_by varchar, loads varchar, is_complete boolean",
                "inputs_read": "model varchar, input varchar, digest varchar",
                "built_whole": "model varchar",
                "views": "model varchar, relation varchar, sql varchar",
                "last_opportunities": "opportunity_key varchar, source_instance varchar, source_id varchar, digest varchar, merge varchar, is_settled boolean",
            }
        )
    }}
{%- endmacro %}

{#- Called before anything is built: from now on until the end, the last build is not whole. -#}
{% macro begin_build() -%}
    {%- if execute and flags.WHICH in ["build", "run", "seed"] -%}
        {%- do run_query("create schema if not exists build") -%}
        {%- for table, columns in build_tables().items() -%}
            {%- do run_query("create table if not exists build." ~ table ~ " (" ~ columns ~ ")") -%}
            {%- if table == "built_whole" or not is_increment() -%}
                {%- do run_query("delete from build." ~ table) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do run_query("update build.last_build set is_complete = false") -%}
        {%- if is_increment() -%} {%- do renew_views() -%} {%- endif -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}

{#- Called when all is built: what the next build begins with, where this one was of everything. -#}
{% macro finish_build(results) -%}
    {%- if execute and run_value("SALESOPS_BUILD_MADE_BY", "") -%}
        {%- set failed = results | map(attribute="status") | reject("in", ["success", "pass", "warn", "no-op"]) | list -%}
        {%- if not failed -%}
            delete from build.last_opportunities ;
            insert into build.last_opportunities
            select
                inputs.opportunity_key,
                inputs.source_instance,
                inputs.source_id,
                inputs.digest,
                merges.digest,
                coalesce(
                    {{ local_day("opportunities.closed_at") }} < {{ settled_day() }}, false
                )
            from {{ relation_of("int_opportunity_inputs") }} as inputs
            left join
                {{ relation_of("int_opportunities__current") }} as opportunities
                on inputs.opportunity_key = opportunities.opportunity_key
            left join
                ({{ digests_of_merges(relation_of("int_opportunity_merges")) }}) as merges
                on inputs.opportunity_key = merges.opportunity_key ;
            delete from build.last_build ;
            insert into build.last_build
            values (
                {{ as_of() }},
                {{ known_at() }},
                '{{ run_value("SALESOPS_BUILD_MADE_BY", "") }}',
                '{{ run_value("SALESOPS_BUILD_LOADS", "") }}',
                true
            ) ;
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- What a deal's merge comes to, as text. -#}
{% macro digests_of_merges(merges) -%}
    select
        opportunity_key,
        coalesce(merged_into_key, '')
        || '|'
        || coalesce(cast(merged_at as {{ dbt.type_string() }}), '')
        || '|'
        || coalesce(problem, '') as digest
    from {{ merges }}
{%- endmacro %}
