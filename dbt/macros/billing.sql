{#- What an invoice is by its status: it `counts`, is `written_off`, or `does_not_count`. -#}
{% macro invoice_standing(status) -%}
    coalesce(
        {{ said_of("invoice_statuses", status) }},
        case
            when
                {{ as_word(status) }} in (
                    'void',
                    'voided',
                    'draft',
                    'deleted',
                    'cancelled',
                    'canceled',
                    'proforma',
                    'pending_approval'
                )
            then 'does_not_count'
            when
                {{ as_word(status) }}
                in ('uncollectible', 'written_off', 'bad_debt', 'credited_to_balance')
            then 'written_off'
            else 'counts'
        end
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
