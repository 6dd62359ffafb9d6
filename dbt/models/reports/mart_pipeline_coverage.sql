-- Whether the pipeline covers what is still to be won, by period: company, team and rep. What is
-- overdue, or has no close date, is due in no period; the current one shows it.
with
    periods as (
        select
            *, greatest(quota - won, 0) as to_go, has_begun and is_current_or_coming as is_current
        from {{ ref("int_pipeline_coverage__periods") }}
        where
            dimension in ('company', 'team', 'rep')
            and (
                has_quota
                or due_deals
                + due_without_amount
                + due_at_start_deals
                + due_at_start_without_amount
                + overdue_deals
                + undated_deals
                > 0
            )
    ),

    final as (
        select
            periods.period_grain,
            periods.period_start,
            periods.has_begun,
            periods.dimension,
            periods.dimension_key,
            coalesce(labels.dimension_label, periods.dimension_key) as dimension_label,
            cast(
                case when periods.has_quota then periods.quota end as {{ numeric_type() }}
            ) as quota,
            cast(case when periods.has_quota then periods.won end as {{ numeric_type() }}) as won,
            cast(
                case when periods.has_quota then periods.to_go end as {{ numeric_type() }}
            ) as to_go,
            cast(
                case when periods.is_current_or_coming then periods.due end as {{ numeric_type() }}
            ) as due,
            cast(
                case when periods.is_current_or_coming then periods.due_deals end as bigint
            ) as due_deals,
            cast(
                case when periods.is_current_or_coming then periods.due_without_amount end as bigint
            ) as due_without_amount,
            {%- for standing in ["overdue", "undated"] %}
                cast(
                    case
                        when periods.is_current then periods.{{ standing }}
                    end as {{ numeric_type() }}
                ) as {{ standing }},
                cast(
                    case when periods.is_current then periods.{{ standing }}_deals end as bigint
                ) as {{ standing }}_deals,
            {%- endfor %}
            case
                when periods.is_current_or_coming then {{ ratio("periods.due", "periods.to_go") }}
            end as coverage_to_go,
            case
                when periods.is_current_or_coming then {{ ratio("periods.due", "periods.quota") }}
            end as coverage_total,
            cast(
                case when periods.has_begun then periods.due_at_start end as {{ numeric_type() }}
            ) as due_at_start,
            case
                when periods.has_begun then {{ ratio("periods.due_at_start", "periods.quota") }}
            end as coverage_at_start
        from periods
        left join
            {{ ref("int_dimension_labels") }} as labels
            on periods.dimension = labels.dimension
            and periods.dimension_key = labels.dimension_key
    )

select *
from final
