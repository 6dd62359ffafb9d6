{#-
    The hashes of the KPIs' definitions: of all SQL that a metric's numbers are made by, as it was
    built, and of what its YAML says of the roll-up. Comments, line breaks, names for people and the
    run's own moments are no part of it.

    Called when all is built: only then is the SQL of all models known. Where a run has built
    `kpi_definitions` without all that the metrics rest on, they have none.
-#}
{% macro put_definition_hashes(results) -%}
    {%- set built = {} -%}
    {%- for result in results if execute and result.status == "success" -%}
        {%- do built.update({result.node.unique_id: result.node.compiled_code}) -%}
    {%- endfor -%}
    {%- set needed = [
        "model.salesops.kpi_definitions",
        "model.salesops.kpi_month_cells",
        "model.salesops.kpi_medians",
        "model.salesops.kpi_values",
    ] -%}
    {%- if needed | reject("in", built) | list | length == 0 -%}
        update {{ graph.nodes["model.salesops.kpi_definitions"].relation_name }}
        set definition_hash = case metric
        {%- for metric, hash in definition_hashes(built).items() %}
                when '{{ metric }}' then '{{ hash }}'
        {%- else %} when '' then ''
        {%- endfor %}
        end
    {%- endif -%}
{%- endmacro %}

{#- The hash of each metric of which all models are in `built`, SQL by model. -#}
{% macro definition_hashes(built) -%}
    {%- set frame = kpi_frame_words(built) -%}
    {%- set settings = kpi_settings() -%}
    {%- set hashed = {} -%}
    {%- set found = {} -%}
    {%- for metric in kpi_metrics() -%}
        {%- set models = kpi_ancestors(metric) -%}
        {%- if models | reject("in", built) | list | length == 0 -%}
            {%- set parts = [frame, settings[metric] | join("\n")] -%}
            {%- for model in models | sort -%}
                {%- if model not in hashed -%}
                    {%- do hashed.update(
                        {model: local_md5(sql_words(built[model]) | join(" "))}
                    ) -%}
                {%- endif -%}
                {%- do parts.append(hashed[model]) -%}
            {%- endfor -%}
            {%- do found.update({metric: local_md5(parts | join("\n"))}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- The models that a metric is computed by, itself and those that a product is made of included. -#}
{% macro kpi_ancestors(metric) -%}
    {%- set found = ["model.salesops." ~ metric] -%}
    {%- for factor in kpi_meta(metric).of or [] -%}
        {%- do found.append("model.salesops." ~ factor) -%}
    {%- endfor -%}
    {%- for model in found -%}
        {%- for parent in graph.nodes[model].depends_on.nodes -%}
            {%- if (
                parent.startswith("model.")
                and parent not in found
                and graph.nodes[parent].schema != "build"
            ) -%}
                {%- do found.append(parent) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#-
    The words of the roll-up that all metrics share, whatever cuts there are: of each such as repeat
    from cut to cut, once. Products of other metrics are settings of theirs.
-#}
{% macro kpi_frame_words(built) -%}
    {%- set names = [] -%}
    {%- for cut in kpi_cuts() -%} {%- do names.extend([cut, "'" ~ cut ~ "'"]) -%} {%- endfor -%}
    {%- set words = sql_words(graph.nodes["model.salesops.kpi_members"].raw_code) -%}
    {%- for model in ["kpi_month_cells", "kpi_medians", "kpi_values"] -%}
        {%- set statement = built["model.salesops." ~ model].split("products as (")[0] -%}
        {%- do words.extend(sql_words(statement) | reject("in", names)) -%}
    {%- endfor -%}
    {{ return(modules.re.sub("((?:\\S+ ){1,16}?)\\1+", "\\1", words | join(" "))) }}
{%- endmacro %}

{#- What the YAML of each metric says of the roll-up. -#}
{% macro kpi_settings() -%}
    {%- set found = {} -%}
    {%- for variant in kpi_variants() -%}
        {%- set said = found.setdefault(variant.metric, []) -%}
        {%- for name, value in variant | dictsort
            if name not in [
                "order",
                "owner",
                "better",
                "unit",
                "formula",
                "variants",
                "increment",
                "dated",
                "sample",
                "grows",
                "matures",
            ] -%}
            {%- do said.append(name ~ "=" ~ value) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- The words of a statement, without comments, the databases' names and the run's own values. -#}
{% macro sql_words(statement) -%}
    {%- set own = namespace(sql=statement) -%}
    {%- for database in [target.database, "salesops"] -%}
        {%- set own.sql = own.sql | replace('"' ~ database ~ '".', "") -%}
    {%- endfor -%}
    {%- for name in ["AS_OF", "COMPANY_AS_OF", "KNOWN_AT", "RUN_ID"] -%}
        {%- set own.sql = own.sql | replace("'" ~ env_var("SALESOPS_" ~ name, "?") ~ "'", "?") -%}
    {%- endfor -%}
    {%- set comment = "(--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)" -%}
    {%- set found = modules.re.findall(comment ~ "|('(?:[^']|'')*'|\w+|[^\w\s])", own.sql) -%}
    {{ return(found | map(attribute=1) | select | list) }}
{%- endmacro %}
