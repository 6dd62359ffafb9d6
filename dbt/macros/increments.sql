{#-
    Increments: models that recompute only the records that may have changed since the last build.

    A model says so in its first line: `{{ increment("news", of=[...]) }}`. Its SQL stays as it is. Of
    the inputs in `of` it reads, in an increment, only the rows of the records in a set: `news` are
    those of which an input changed or a moment has passed, `clocked` are these and all deals that
    have not closed. Its own rows of the set are replaced. All other inputs are compared with what the
    last build read, by their content: where one differs, the model is built whole, and so are those
    that read it by record. dbt itself builds everything whole; dagster_project/run/increment.py makes
    the increments, with the same SQL. docs/decisions/0051-increments.md has the reasons.

    set: the model whose rows are the records to recompute; the key of a record is in both. Of numbers
        they are *cells*, of which members differ, or *variants*, which have such cells. Of *days* it
        is the first.
    of: the inputs that are read by record; where it is not by `key`, a dictionary says by which
        columns: of the input, and of the set. Views among them are read through.
    compared: of an input that is compared, which rows matter, where not all do: `{rows}` is the input,
        `{settled}` the day from which on deals are recomputed anyway.
    apart: inputs that matter only to records of the set.
    wholly: a column that names the input from which a row comes: the rows of inputs in `of` that are
        not recomputed by record are replaced, all of them.
    stamps: columns that each row has of the run, with their SQL.
    by_month: true where the beginning or the end of a month matters to all records.
    onwards: true where all is recomputed that does not come before the set, in order of the key.
    materialized: `view` of one that others read through.
-#}
{% macro increment(
    set,
    of,
    key="opportunity_key",
    compared={},
    apart=[],
    wholly=none,
    stamps={},
    by_month=false,
    onwards=false,
    materialized="table"
) -%}
    {%- set sets = {
        "news": "int_opportunities__news",
        "clocked": "int_opportunities__clocked",
        "activities": "int_activities__news",
        "cells": "int_kpi_cells__recomputed",
        "variants": "int_kpi_variants__touched",
        "days": "int_pipeline_day__recomputed",
        "histories": "int_hubspot__histories__touched",
    } -%}
    {%- set columns = {} -%}
    {%- for input in of -%}
        {%- do columns.update({input: of[input] if of is mapping else [key, key]}) -%}
    {%- endfor -%}
    {{
        config(
            materialized=materialized,
            meta={
                "increment": {
                    "set": sets[set],
                    "key": key,
                    "of": columns,
                    "compared": compared,
                    "apart": apart,
                    "wholly": wholly,
                    "stamps": stamps,
                    "by_month": by_month,
                    "onwards": onwards,
                }
            },
        )
    }}
    {%- if not execute -%} {{ ref(sets[set]) }} {%- endif -%}
{%- endmacro %}

{#-
    The first line of a model that lists the cells of another of which a row is not as at the last
    build: only these are written of it. `columns` are the names, and SQL of a row, that make a cell.
-#}
{% macro differing_cells(of, columns) -%}
    {{ config(meta={"cells": {"of": of, "columns": columns}}) }}
{%- endmacro %}

{#-
    The first line of a model that lists the records of which a table would have other rows than at the
    last build, which are in `build.last_<table>`: there are none where all that it reads is as it was.
-#}
{% macro differing_records(table) -%} {{ config(meta={"differs_from": table}) }} {%- endmacro %}

{#- What the first line of a model says, if it has one; nothing while dbt parses. -#}
{% macro increment_of(model) -%}
    {{ return(graph.nodes["model.salesops." ~ model].config.meta.get("increment") if execute) }}
{%- endmacro %}

{#- What deals that are settled may read of the versions of users, and of rates. -#}
{% macro settled_versions() -%}
    select
        rep_id,
        team,
        manager_id,
        valid_from,
        least(valid_to, cast({settled} as timestamp)) as valid_to
    from {rows}
    where valid_from < cast({settled} as timestamp)
{%- endmacro %}

{% macro settled_rates() -%} select * from {rows} where date_day < {settled} {%- endmacro %}

{#- By which columns what is told of a source's records is read by record. -#}
{% macro of_records() -%}
    {{ return(["(source_instance, entity_id)", "(source_instance, source_id)"]) }}
{%- endmacro %}

{#-
    Called before dbt builds anything: no increment can be made on what is there from now on. What
    builds leave for the next one is in the schema `build`.
-#}
{% macro begin_build() -%}
    {%- if execute and flags.WHICH in ["build", "run", "seed"] -%}
        {%- set tables = {
            "last_build": "as_of timestamp, known_at timestamp, whole_at timestamp, run_id text, made_by text, loads text, nodes text, is_complete boolean",
            "last_opportunities": "opportunity_key text, source_instance text, source_id text, digest text, merge text, is_settled boolean",
            "inputs_read": "model text, input text, digest text",
        } -%}
        create schema if not exists build ;
        {%- for table, columns in tables.items() %}
            drop table if exists build.{{ table }} ;
            create table build.{{ table }} ({{ columns }}) ;
        {%- endfor %}
        {%- for set in graph.nodes.values() if set.config.meta.get("differs_from") %}
            {%- set table = set.config.meta.differs_from %}
            {%- set columns = graph.nodes["model.salesops." ~ table].columns.values() %}
            drop view if exists build.last_{{ table }} ;
            create view build.last_{{ table }} as
            select
            {%- for column in columns %}
                    cast(null as {{ column.data_type }}) as {{ column.name }}
                {{- "," if not loop.last }}
            {%- endfor %}
            where false ;
        {%- endfor %}
    {%- endif -%}
{%- endmacro %}
