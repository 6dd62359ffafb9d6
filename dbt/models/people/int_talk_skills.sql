-- The stage to coach each rep on now, with the deals that did not get on from it, and how much
-- would
-- be won of those that would have, had peers led them: as many of them as of all that get on from
-- the stage, at the company's usual size.
{%- set stage_key = ["source_instance", "pipeline", "stage"] %}
with
    weakest as (
        select * from {{ ref("mart_skill_gaps") }} where is_weakest and {{ is_enough("n") }}
    ),

    visits as (select * from {{ ref("int_skill_visits") }}),

    deals as (select opportunity_key, is_won, is_closed from {{ ref("fct_opportunities") }}),

    got_on as (
        select
            {%- for column in stage_key %} visits.{{ column }}, {%- endfor %}
            count(case when deals.is_won then 1 end) as won,
            count(*) as closed
        from visits
        inner join deals on visits.opportunity_key = deals.opportunity_key
        where visits.is_advanced = 1 and deals.is_closed
        group by
            {% for column in stage_key %} visits.{{ column }}{{ "," if not loop.last }} {% endfor %}
    ),

    held_back as (
        select
            rep_id,
            {{ stage_key | join(", ") }},
            opportunity_id,
            row_number() over (
                partition by rep_id, {{ stage_key | join(", ") }}
                order by exited_on desc, opportunity_id
            ) as place
        from visits
        where is_advanced = 0
    ),

    keys as (
        select
            rep_id,
            {{ stage_key | join(", ") }},
            string_agg(opportunity_id, ',' order by place) as record_keys
        from held_back
        where place <= {{ talk_keys() }}
        group by rep_id, {{ stage_key | join(", ") }}
    ),

    sizes as (
        select dimension_key, value as amount
        from {{ ref("kpi_values") }}
        where
            metric = 'average_deal_size'
            and variant = 'default'
            and period_grain = 'all'
            and dimension = 'company'
    ),

    final as (
        select
            weakest.rep_id,
            {%- for column in stage_key %} weakest.{{ column }}, {%- endfor %}
            weakest.n,
            weakest.conversion,
            weakest.peer_conversion,
            weakest.low,
            weakest.high,
            weakest.p_value_corrected,
            keys.record_keys,
            (weakest.expected - weakest.advanced)
            * {{ ratio("got_on.won", "got_on.closed") }}
            * sizes.amount as money
        from weakest
        left join
            got_on
            on {% for column in stage_key -%}
                weakest.{{ column }} = got_on.{{ column }}{{ " and " if not loop.last }}
            {%- endfor %}
        left join
            keys on weakest.rep_id = keys.rep_id
            {%- for column in stage_key %}
                and weakest.{{ column }} = keys.{{ column }}
            {%- endfor %}
        left join sizes on sizes.dimension_key = 'all'
    )

select *
from final
