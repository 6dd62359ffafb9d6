{#- What an invoice is by its status: it `counts`, is `written_off`, or `does_not_count`. -#}
{% macro invoice_standing(status) -%}
    {%- set usual = {
        "does_not_count": [
            "void",
            "voided",
            "draft",
            "deleted",
            "cancelled",
            "canceled",
            "proforma",
            "pending_approval",
        ],
        "written_off": ["uncollectible", "written_off", "bad_debt"],
    } -%}
    coalesce({{ status_meaning(status, var("invoice_statuses"), usual) }}, 'counts')
{%- endmacro %}

{#-
    In a from clause: the records of `target` that those of `entity` name in a column, by source and
    id. They are in the source of what names them or, where that has none, in any other.
-#}
{% macro named_records(entity, column, target) -%}
    {%- set key = contract()[target].key -%}
    (
        select naming.source_instance, naming.{{ column }}, min(named.{{ key }}) as {{ key }}
        from
            (
                select distinct source_instance, {{ column }}
                from {{ ref("int_" ~ entity ~ "__unioned") }}
                where {{ column }} is not null
            ) as naming
        inner join
            {{ ref("int_" ~ target ~ "__unioned") }} as named
            on naming.{{ column }} = named.source_id
        where
            naming.source_instance = named.source_instance
            or naming.source_instance
            not in (select source_instance from {{ ref("int_" ~ target ~ "__unioned") }})
        group by naming.source_instance, naming.{{ column }}
    )
{%- endmacro %}

{#- An amount, in its own and in the company's currency, in that of an invoice at its rate. -#}
{% macro in_currency_of_invoice(records, invoices) -%}
    case
        when {{ records }}.currency = {{ invoices }}.currency
        then {{ records }}.amount_native
        else cast({{ ratio(records ~ ".amount", invoices ~ ".fx_rate") }} as {{ numeric_type() }})
    end
{%- endmacro %}
