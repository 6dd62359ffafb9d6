{#- The cuts of metrics on customers. -#}
{% macro customer_cuts() -%}
    {{ return(["segment", "region", "product", "channel"]) }}
{%- endmacro %}

{#-
    The keys of the cuts of a customer's metric, from a join with `dim_customer`, and the customer's
    plan of the moment that the metric looks at.
-#}
{% macro customer_cuts_of(customers, plan) -%}
    {{ or_none(customers ~ ".segment") }} as segment,
    {{ or_none(customers ~ ".region") }} as region,
    {{ or_none(plan) }} as product,
    {{ or_none(customers ~ ".channel") }} as channel
{%- endmacro %}

{#-
    What identifies a customer among the members of a metric, and the keys of its cuts, from a join
    of `rows` with `dim_customer`. One that no source knows has no id but its key.
-#}
{% macro customer_member(rows, plan) -%}
    'customer' as entity,
    {{ rows }}.customer_key as entity_key,
    coalesce(customers.customer_id, {{ rows }}.customer_key) as entity_id,
    {{ customer_cuts_of("customers", plan) }}
{%- endmacro %}

{#-
    A member that stands for a month alone: of a state with months of its own, from a table of months.
-#}
{% macro month_member() -%}
    {%- set text = dbt.type_string() -%}
    'default' as variant,
    'month' as entity,
    cast(null as {{ text }}) as entity_key,
    cast(null as {{ text }}) as entity_id,
    {%- for cut in customer_cuts() %} cast(null as {{ text }}) as {{ cut }}, {%- endfor %}
    month_start as period_on,
    'numerator' as side,
    0 as numerator,
    cast(null as {{ numeric_type() }}) as denominator,
    cast(null as {{ text }}) as exclusion_reason
{%- endmacro %}

{#-
    What a subscription is by its status: it `counts`, it `counted` up to its end, or it
    `does_not_count`. NULL where neither company.yml nor usage says.
-#}
{% macro subscription_standing(status) -%}
    coalesce(
        {{ said_of("subscription_statuses", status) }},
        case
            when {{ as_word(status) }} in ('active', 'past_due', 'live', 'renewing', 'non_renewing')
            then 'counts'
            when
                {{ as_word(status) }}
                in ('ended', 'canceled', 'cancelled', 'expired', 'churned', 'completed')
            then 'counted'
            when
                {{ as_word(status) }} in (
                    'trial',
                    'trialing',
                    'in_trial',
                    'incomplete',
                    'incomplete_expired',
                    'draft',
                    'pending',
                    'future',
                    'paused',
                    'on_hold',
                    'suspended',
                    'unpaid'
                )
            then 'does_not_count'
        end
    )
{%- endmacro %}

{#- Whether a subscription ever brings recurring revenue: it counts, costs something, and was active. -#}
{% macro brings_revenue(subscriptions) -%}
    {{ subscriptions }}.exclusion_reason is null
    and {{ subscriptions }}.mrr_native > 0
    and coalesce({{ subscriptions }}.ended_at > {{ subscriptions }}.started_at, true)
{%- endmacro %}

{#- The domain of an address of the web, or of what follows the @ of an email address. -#}
{% macro domain_of(text) -%}
    nullif(
        regexp_replace(
            regexp_replace(
                regexp_replace(lower(trim({{ text }})), '^([a-z][a-z0-9+.-]*:)?//', ''),
                '[.]?([:/?#].*)?$',
                ''
            ),
            '^(.*@)?(www[.])?',
            ''
        ),
        ''
    )
{%- endmacro %}

{#- Domains at which anybody has a mailbox: they say nothing of who somebody works for. -#}
{% macro free_mail_domains() -%}
    (
        'gmail.com',
        'googlemail.com',
        'yahoo.com',
        'yahoo.co.uk',
        'yahoo.fr',
        'yahoo.de',
        'ymail.com',
        'hotmail.com',
        'hotmail.co.uk',
        'hotmail.fr',
        'outlook.com',
        'outlook.de',
        'live.com',
        'msn.com',
        'icloud.com',
        'me.com',
        'mac.com',
        'aol.com',
        'gmx.com',
        'gmx.net',
        'gmx.de',
        'web.de',
        't-online.de',
        'freenet.de',
        'mail.com',
        'mail.ru',
        'yandex.com',
        'yandex.ru',
        'proton.me',
        'protonmail.com',
        'pm.me',
        'zoho.com',
        'fastmail.com',
        'tutanota.com',
        'hey.com',
        'orange.fr',
        'wanadoo.fr',
        'free.fr',
        'laposte.net',
        'libero.it',
        'qq.com',
        '163.com',
        '126.com',
        'naver.com',
        'comcast.net',
        'verizon.net',
        'att.net',
        'bigpond.com',
        'rediffmail.com',
        'uol.com.br'
    )
{%- endmacro %}
