-- The members of pipeline_created with what brought each deal: its first touch up to its creation.
with
    created as (select * from {{ ref("pipeline_created") }} where variant = 'default'),

    sources as (select * from {{ ref("int_deal_sources") }})

{%- for variant, condition in [
        ("default", "true"),
        ("marketing", "sources.opportunity_key is not null"),
    ] %}

    select
        '{{ variant }}' as variant,
        created.entity,
        created.entity_key,
        created.entity_id,
        {%- for cut in deal_cuts() %} created.{{ cut }}, {%- endfor %}
        {{ or_none("sources.channel") }} as channel,
        {{ or_none("sources.campaign_id") }} as campaign,
        created.period_on,
        created.numerator,
        created.denominator,
        created.exclusion_reason
    from created
    left join sources on created.entity_key = sources.opportunity_key
    where {{ condition }} {{ 'union all' if not loop.last }}
{%- endfor %}
