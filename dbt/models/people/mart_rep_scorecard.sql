{%- set scopes = {
    "near": ["metric", "variant", "month_start", "role", "segment", "tenure_band"],
    "wide": ["metric", "variant", "month_start", "role"],
} -%}
-- Each rep by month and metric: beside its own six months before, and beside its peers, whom it is
-- not one of. Places among peers come from one sort of each group, not from comparing everyone with
-- everyone.
with
    measures as (
        select *, {{ month_number("month_start") }} as month_number
        from {{ ref("int_rep_measures") }}
    ),

    {%- for scope, group in scopes.items() %}
        {{ scope }}_places as (
            select
                rep_id,
                {{ group | join(", ") }},
                value,
                row_number() over (
                    partition by {{ group | join(", ") }} order by value, rep_id
                ) as place,
                rank() over (partition by {{ group | join(", ") }} order by value) as value_rank,
                count(*) over (partition by {{ group | join(", ") }}, value) as n_equal,
                count(*) over (partition by {{ group | join(", ") }}) as n
            from measures
            where is_peer and is_enough_data
        ),

        {{ scope }}_samples as (
            select {{ group | join(", ") }}, n, {{ about_the_middle("value") }}
            from {{ scope }}_places
            group by {{ group | join(", ") }}, n
        ),
    {%- endfor %}

    trailing_months as (
        select
            *,
            avg(value) over six_before as own_trailing_6m,
            count(value) over six_before as trailing_months,
            regr_count(value_in_trend, month_number) over seven as n_trend,
            regr_slope(value_in_trend, month_number) over seven as slope,
            regr_sxx(value_in_trend, month_number) over seven as sxx,
            regr_sxy(value_in_trend, month_number) over seven as sxy,
            regr_syy(value_in_trend, month_number) over seven as syy
        from measures
        window
            six_before as (
                partition by rep_id, metric, variant
                order by month_number
                range between 6 preceding and 1 preceding
            ),
            seven as (
                partition by rep_id, metric, variant
                order by month_number
                range between 6 preceding and current row
            )
    ),

    trended as (
        select
            *,
            case when n_trend >= 4 then slope end as trend,
            case
                when n_trend >= 4
                then
                    {{ t_once_in_forty("n_trend - 2") }}
                    * sqrt(greatest(syy - slope * sxy, 0) / (n_trend - 2) / sxx)
            end as trend_margin
        from trailing_months
    ),

    beside_peers as (
        select
            trended.*
            {%- for scope in scopes %}
                ,
                case
                    when trended.is_peer
                    then
                        coalesce({{ scope }}_samples.n, 0)
                        - case when trended.is_enough_data then 1 else 0 end
                    else 0
                end as {{ scope }}_peers,
                {{ median_of_others(scope ~ "_samples", scope ~ "_places.place") }}
                as {{ scope }}_median,
                {{
                    ratio(
                        scope
                        ~ "_places.value_rank - 1 + ("
                        ~ scope
                        ~ "_places.n_equal - 1) / 2.0",
                        scope ~ "_places.n - 1",
                    )
                }} as {{ scope }}_percentile
            {%- endfor %}
        from trended
        {%- for scope, group in scopes.items() %}
            left join
                {{ scope }}_samples
                on case when trended.is_peer then trended.metric end = {{ scope }}_samples.metric
                {%- for column in group if column != "metric" %}
                    and trended.{{ column }} = {{ scope }}_samples.{{ column }}
                {%- endfor %}
            left join
                {{ scope }}_places
                on trended.rep_id = {{ scope }}_places.rep_id
                and trended.month_start = {{ scope }}_places.month_start
                and trended.metric = {{ scope }}_places.metric
                and trended.variant = {{ scope }}_places.variant
        {%- endfor %}
    ),

    grouped as (
        select
            *,
            case
                when {{ are_enough_peers("near_peers") }}
                then 'role, segment and tenure'
                when {{ are_enough_peers("wide_peers") }}
                then 'role'
            end as peer_group
        from beside_peers
    ),

    final as (
        select
            rep_id,
            rep_name,
            cast(role as {{ dbt.type_string() }}) as role,
            month_start,
            metric,
            variant,
            unit,
            better,
            cast(value as {{ double_type() }}) as value,
            cast(low as {{ double_type() }}) as low,
            cast(high as {{ double_type() }}) as high,
            cast(n_included as bigint) as n_included,
            is_over,
            is_enough_data,
            is_active,
            cast(own_trailing_6m as {{ double_type() }}) as own_trailing_6m,
            cast(trailing_months as bigint) as trailing_months,
            cast(
                case
                    peer_group
                    when 'role, segment and tenure'
                    then near_median
                    when 'role'
                    then wide_median
                end as {{ double_type() }}
            ) as peer_median,
            cast(
                case
                    peer_group
                    when 'role, segment and tenure'
                    then near_percentile
                    when 'role'
                    then wide_percentile
                end as {{ double_type() }}
            ) as percentile,
            cast(peer_group as {{ dbt.type_string() }}) as peer_group,
            cast(
                case
                    peer_group when 'role, segment and tenure' then near_peers else wide_peers
                end as bigint
            ) as n_peers,
            cast(tenure_band as {{ dbt.type_string() }}) as tenure_band,
            cast(trend as {{ double_type() }}) as trend,
            cast(trend - trend_margin as {{ double_type() }}) as trend_low,
            cast(trend + trend_margin as {{ double_type() }}) as trend_high,
            cast(n_trend as bigint) as trend_months
        from grouped
    )

select *
from final
