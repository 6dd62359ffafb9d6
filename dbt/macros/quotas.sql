{#- The part of a quota that falls on a number of the days of its period. -#}
{% macro share_of_quota(days) -%}
    cast(
        cast(reporting_amount as {{ double_type() }})
        * {{ days }}
        / days_in_period as {{ numeric_type() }}
    )
{%- endmacro %}

{#- The cuts of metrics on the quotas of reps, and the key of each in the rows of the reps. -#}
{% macro quota_cuts() -%}
    {{
        return(
            [
                ("company", "'all'"),
                ("rep", "target_key"),
                ("team", or_none("team")),
                ("manager", or_none("manager_id")),
                ("region", or_none("region")),
                ("segment", or_none("segment")),
            ]
        )
    }}
{%- endmacro %}
